// `phidias train RECIPE`: from the recipe's text to a run. Next: trainer/train.cpp, then trainer/loop.cpp.
#include <cstdio>

#include "base/json.h"
#include "base/log.h"
#include "base/signals.h"
#include "configs/run_config.h"
#include "launch/commands.h"
#include "parallel/world.h"
#include "report/run_report.h"
#include "trainer/train.h"

namespace phidias::launch {

int run_train(const TrainCommand& command, const Invocation& invocation, parallel::World& world) {
  const SignalWatch signals;
  const configs::RunConfig config = configs::read_run_config(command.recipe, command.overrides);
  world.set_timeout(config.parallel.timeout_seconds);
  const ExitCode code = trainer::train(config, world, signals, {.dry_run = command.dry_run, .quiet = invocation.quiet});
  if (code == ExitCode::success && !command.dry_run && world.rank() == 0) {
    log_info("curves: " + report::write_run_report(config.run.output).front().string());
  }
  if (invocation.json && world.rank() == 0)
    std::printf("%s\n", OrderedJson({{"output", config.run.output}, {"exit_code", static_cast<int>(code)}}).dump().c_str());
  return static_cast<int>(code);
}

}  // namespace phidias::launch
