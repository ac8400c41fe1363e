// `phidias plan RECIPE --gpus N --gpu KIND`: what a recipe needs, before anything is rented. Next: trainer/plan/plan.h.
#include <ATen/Parallel.h>

#include <algorithm>
#include <cstdio>

#include "base/error.h"
#include "base/json.h"
#include "launch/commands.h"
#include "models/causal_lm.h"
#include "parallel/world.h"
#include "trainer/data_setup.h"
#include "trainer/device.h"
#include "trainer/metrics/step_observers.h"
#include "trainer/metrics/utilisation.h"
#include "trainer/model_setup.h"
#include "trainer/objectives/objective.h"
#include "trainer/plan/plan.h"
#include "trainer/plan/plan_text.h"

namespace phidias::launch {
namespace {

constexpr double kGpuEfficiency = 0.45, kCpuEfficiency = 0.8;

}  // namespace

int run_plan(const PlanCommand& command, bool json, parallel::World& world) {
  const std::int64_t process_bytes = trainer::peak_memory_bytes(at::kCPU);  // before any tensor: the libraries
  configs::RunConfig config = configs::read_run_config(command.recipe, command.overrides);
  trainer::make_objective(config.method);  // refuses what this build cannot train
  trainer::GpuKind kind = trainer::gpu_kind(command.gpu, command.gpus);
  const trainer::ModelSource source(config.model, trainer::ModelSource::Needs::shape_only);
  trainer::resolve_lengths(config, source.config());
  const at::Device device = kind.is_cpu ? at::kCPU : at::kCUDA;
  config.model.dtype = trainer::resolve_dtype(config.model.dtype, source.directory_dtype(), device, world.host());
  const std::unique_ptr<models::CausalLM> model = source.make({.size = static_cast<int>(config.parallel.expert)});

  trainer::PlanOptions options{.ranks = command.gpus, .efficiency = kind.is_cpu ? kCpuEfficiency : kGpuEfficiency};
  options.threads = std::max(at::get_num_threads() / command.gpus, 1);
  options.process_bytes = process_bytes;
  if (kind.is_cpu) {
    const double peak = trainer::find_peak(world.host(), trainer::scalar_type(config.model.dtype), at::kCPU, 1).flops_per_second / command.gpus;
    kind.bfloat16_flops = kind.float32_flops = peak;
  }
  if (command.efficiency > 0) options.efficiency = command.efficiency;
  options.kind = kind;
  options.model = model.get();
  options.shape = &source.config();

  const trainer::Plan plan = trainer::make_plan(config, options);
  if (!plan.possible()) throw ConfigError(trainer::why_impossible(plan, trainer::remedies(plan, options)));
  std::fputs(json ? (trainer::plan_json(plan).dump() + "\n").c_str() : trainer::plan_page(plan).c_str(), stdout);
  return 0;
}

}  // namespace phidias::launch
