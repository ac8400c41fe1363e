// `phidias data mixture FILE`: what the phases will take, checked as a run checks it. Next: data/mixture/mixture_plan.h.
#include <iostream>

#include "data/mixture/mixture_plan.h"
#include "launch/commands.h"

namespace phidias::launch {

int run_mixture(const MixtureCommand& command, bool json) {
  const data::mixture::MixtureConfig config = data::mixture::read_mixture_config(command.mixture);
  const data::mixture::MixturePlan plan = data::mixture::plan_mixture(config, data::mixture::open_sources(config, {}), {});
  std::cout << (json ? plan.json() + "\n" : plan.summary());
  return 0;
}

}  // namespace phidias::launch
