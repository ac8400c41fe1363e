#include "trainer/train.h"

#include <ATen/Context.h>

#include <algorithm>
#include <csignal>
#include <filesystem>
#include <optional>

#include "base/log.h"
#include "trainer/data_setup.h"
#include "trainer/device.h"
#include "trainer/loop.h"
#include "trainer/memory_check.h"
#include "trainer/metrics/console.h"
#include "trainer/metrics/metrics_file.h"
#include "trainer/metrics/tensorboard.h"
#include "trainer/model_setup.h"
#include "trainer/root_work.h"
#include "trainer/run_directory.h"

namespace phidias::trainer {
namespace fs = std::filesystem;
namespace {

constexpr std::int64_t kDrySteps = 2;

void check_keep_best(const configs::RunConfig& config, const std::vector<std::string>& metrics) {
  const std::string& wanted = config.checkpoint.keep_best;
  if (wanted.empty()) return;
  std::string known;
  for (const std::string& name : metrics) known += (known.empty() ? "" : ", ") + name;
  if (std::find(metrics.begin(), metrics.end(), wanted) == metrics.end())
    throw ConfigError("checkpoint.keep_best: " + wanted + " is no metric of this run's evaluations; there are " + known);
  if (config.evaluation.every_steps == 0 && config.checkpoint.every_steps > 0)
    log_warning("checkpoint.keep_best: only the last checkpoint is evaluated; set evaluation.every_steps to compare more of them");
}

ExitCode exit_code_of(int signal) {
  switch (signal) {
    case 0:
      return ExitCode::success;
    case SIGINT:
      return ExitCode::interrupted;
    case SIGTERM:
      return ExitCode::terminated;
    default:
      return ExitCode::user_signal;
  }
}

// Decided once for the whole life of a run: a resumed one takes the checkpoint's answer.
configs::DType dtype_of_run(const configs::RunConfig& config, const ModelSource& source, const ComputeDevice& compute,
                            const std::optional<FoundCheckpoint>& found, parallel::Communicator& host) {
  if (config.model.dtype == configs::DType::automatic && found) {
    const auto& model = found->saved.recipe.at("model");
    const auto saved = model.find("dtype");
    if (saved != model.end() && saved->second == "bfloat16") return configs::DType::bfloat16;
    if (saved != model.end() && saved->second == "float32") return configs::DType::float32;
  }
  return resolve_dtype(config.model.dtype, source.directory_dtype(), compute.device, host);
}

Observers make_observers(const configs::RunConfig& config, const RunDirectory& directory, const StopCondition& stop, const TrainState& state) {
  Observers observers;
  cut_metrics_back(directory.metrics(), state.step);
  observers.push_back(std::make_unique<MetricsFile>(directory.metrics()));
  observers.push_back(std::make_unique<Console>(config.log.every_steps, stop.known_steps()));
  if (config.log.tensorboard) observers.push_back(std::make_unique<TensorBoard>(directory.tensorboard(), state.step, config.log.every_steps));
  return observers;
}

EngineOptions engine_options(const configs::RunConfig& config, const ModelSource& source, at::Device device) {
  EngineOptions options;
  options.dtype = scalar_type(config.model.dtype);
  options.device = device;
  options.optimizer = config.optimizer;
  options.trainable = config.model.trainable;
  if (config.model.router == configs::Router::frozen) options.frozen = {"*.block_sparse_moe.gate.weight"};
  options.shard = config.parallel.shard;
  options.seed = static_cast<std::uint64_t>(config.run.seed);
  options.aux_counts = config.model.aux_counts;
  options.forward = source.forward_options();
  return options;
}

// The ranks that share the experts and those that repeat them; empty without an expert axis.
class ExpertAxis {
 public:
  ExpertAxis(const parallel::World& world, parallel::Communicator& device) {
    if (world.mesh().expert == 1) return;
    host_group_ = world.expert_group(world.host());
    if (&device != &world.host()) device_group_ = world.expert_group(device);
    replicas_ = world.expert_replicas(device);
    ranks_ = {host_group_.get(), device_group_ ? device_group_.get() : host_group_.get(), host_group_->rank(), host_group_->size()};
  }
  const kernels::ExpertRanks& ranks() const { return ranks_; }
  parallel::Communicator* replicas() const { return replicas_.get(); }

 private:
  std::unique_ptr<parallel::Communicator> host_group_, device_group_, replicas_;
  kernels::ExpertRanks ranks_;
};

UnitLayout planned_layout(const models::CausalLM& model, const EngineOptions& options, const parallel::World& world) {
  const UnitOptions units{options.dtype, options.optimizer.decay, options.optimizer.state_dtype, options.trainable, options.shard, options.frozen};
  return {model.declarations(), units, {world.size(), world.size() / world.mesh().expert}};
}

void describe_run(const configs::RunConfig& config, const configs::ModelConfig& model, const ComputeDevice& compute, const parallel::World& world) {
  const std::string dtype = config.model.dtype == configs::DType::bfloat16 ? "bfloat16" : "float32";
  log_info("run " + config.run.name + " in " + config.run.output + ": " + std::to_string(model.parameter_count() / 1000) + " thousand parameters, " + dtype +
           " on " + compute.device.str() + ", " + std::to_string(world.size()) +
           (world.size() == 1 ? " rank" : " ranks, gradients over " + compute.ranks->name()));
}

}  // namespace

ExitCode train(const configs::RunConfig& wanted, parallel::World& world, const SignalWatch& signals, const TrainOptions& options) {
  configs::RunConfig config = wanted;
  parallel::Communicator& host = world.host();
  world.arrange({.data = static_cast<int>(config.parallel.data),
                 .expert = static_cast<int>(config.parallel.expert),
                 .context = static_cast<int>(config.parallel.context)});
  world.set_timeout(config.parallel.timeout_seconds);
  RunDirectory directory(options.dry_run ? fs::path(config.run.output) / "dry-run" : fs::path(config.run.output));
  if (options.dry_run) on_root(host, [&] { fs::remove_all(directory.root()); });
  directory.open(config.checkpoint.resume, world, options.quiet ? LogLevel::warning : LogLevel::info);

  resolve_stop(config);
  const Schedule schedule(config.schedule, config.stop, config.optimizer.learning_rate);
  const StopCondition stop(config.stop, options.dry_run ? std::optional(kDrySteps) : std::nullopt);
  const std::unique_ptr<Objective> objective = make_objective(config.method);
  const ModelSource source(config.model);
  const ComputeDevice compute = choose_device(config.parallel, world);
  if (config.run.deterministic) at::globalContext().setDeterministicAlgorithms(true, /*warn_only=*/false);

  Checkpoints checkpoints(directory.checkpoints(), config.checkpoint, host);
  const std::optional<FoundCheckpoint> found = checkpoints.newest_good();
  config.model.dtype = dtype_of_run(config, source, compute, found, host);
  resolve_lengths(config, source.config());
  const RecipeKeys recipe = recipe_keys(configs::dump_run_config(config));
  TrainState state;
  if (found) {
    const bool force = config.checkpoint.resume == configs::Resume::force;
    on_root(host, [&] { check_resumable(found->saved.recipe, recipe, force, found->directory.filename().string()); });
    state = found->saved.state;
    bool complete = false;  // rank 0's view, for all
    on_root(host, [&] {
      const bool written = fs::exists(directory.final_model() / "config.json") || models::is_adapter_directory(directory.final_model());
      complete = stop.reached(state) && written;
    });
    host.broadcast(&complete, 1, parallel::DataType::uint8, 0);
    if (complete) log_info("run " + config.run.output + " is finished: " + directory.final_model().string());
    if (complete) return ExitCode::success;
    log_info("resuming from " + found->directory.filename().string() + ", written by " + std::to_string(found->saved.world_size) + " ranks");
  }
  describe_run(config, source.config(), compute, world);
  const std::string environment = describe_environment(world, compute.device, *compute.ranks);
  on_root(host, [&] { directory.write_config(config, environment); });

  const ExpertAxis experts(world, *compute.ranks);
  std::unique_ptr<models::CausalLM> model = source.make(experts.ranks());
  const EngineOptions engine_settings = engine_options(config, source, compute.device);
  require_memory(world, planned_layout(*model, engine_settings, world), compute.device, compute.ranks_per_device);

  RunData data = prepare_data(config, source.config(), source.tokenizer_directory(), world);
  if (found) data.batches->restore(state.data);

  Engine engine(std::move(model), {&host, compute.ranks, experts.replicas(), world.expert_rank()}, engine_settings);
  const bool all_from_checkpoint = found && !source.has_adapters();  // frozen weights are not part of checkpoints
  engine.initialise(all_from_checkpoint ? models::RangeReader() : source.weights(engine.model(), engine_settings.seed));
  if (found) engine.load(found->directory);
  if (found && engine.load_balance() != nullptr) engine.load_balance()->set_previous_counts(state.expert_counts);

  fs::path model_files;
  on_root(host, [&] { model_files = source.files_for_export(directory.model_files()); });
  const at::ScalarType weights_dtype = source.export_dtype(engine.options().dtype);
  const SaveTarget save_target{model_files, weights_dtype, source.adapter_target(model_files)};
  checkpoints.set_source({save_target, recipe});

  const Utilisation utilisation(source.config(), find_peak(host, engine.options().dtype, compute.device, compute.ranks_per_device));
  log_info(utilisation.formula());
  Observers observers;
  on_root(host, [&] { observers = make_observers(config, directory, stop, state); });
  StepObservers step_observers(std::move(observers), stop, utilisation, source.config().sliding_window, compute.device);
  StepSource steps(*data.batches);
  Evaluation evaluation(std::move(data.validation), config.evaluation);
  on_root(host, [&] { check_keep_best(config, evaluation.names()); });
  DivergenceGuard divergence(config.divergence.max_bad_steps, host, [&](std::uint64_t record_id) { return data.batches->describe_record(record_id); });
  StopSignals stop_signals(signals, host, state.seconds);

  const int signal = run_loop({steps, engine, *objective, schedule, stop, evaluation, checkpoints, divergence, step_observers, stop_signals}, state);
  if (signal != 0) {
    log_info("stopped by signal " + std::to_string(signal) + " after step " + std::to_string(state.step) + "; the same command resumes");
    return exit_code_of(signal);
  }
  if (options.dry_run) {
    log_info("dry run: two steps and a checkpoint went well; nothing is kept");
    on_root(host, [&] { fs::remove_all(directory.root()); });
    return ExitCode::success;
  }
  engine.save_model(directory.final_model(), save_target);
  log_info("final model: " + directory.final_model().string());
  return ExitCode::success;
}

}  // namespace phidias::trainer
