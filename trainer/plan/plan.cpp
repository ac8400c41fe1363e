#include "trainer/plan/plan.h"

#include <algorithm>
#include <functional>
#include <utility>

#include "base/error.h"
#include "data/packing.h"
#include "trainer/device.h"
#include "trainer/metrics/utilisation.h"

namespace phidias::trainer {
namespace {

using configs::RecomputePolicy;
using configs::RunConfig;
using configs::Shard;

// A GPU's memory that is not ours: the driver's context with this program's kernels, cuBLAS workspaces; NCCL's channels; what the caching allocator
// holds in blocks that do not fit. Assumptions, to be replaced by measurements on GPUs.
constexpr std::int64_t kMiB = std::int64_t{1} << 20;
constexpr std::int64_t kCudaContext = 800 * kMiB, kNccl = 600 * kMiB;
constexpr std::int64_t kRunBytes = 30 * kMiB;  // of a run on a CPU beside tensors: data, reports, caches of the mathematical library; measured
constexpr double kCachedBlocks = 0.05;         // of activations and logits

models::Recompute recompute_of(RecomputePolicy policy) {
  return policy == RecomputePolicy::none ? models::Recompute::none : policy == RecomputePolicy::mlp ? models::Recompute::mlp : models::Recompute::block;
}

// A candidate layout: a recipe, a number of ranks, and what follows from them.
class Candidate {
 public:
  Candidate(const RunConfig& config, const PlanOptions& options, int ranks)
      : config_(config),
        options_(options),
        ranks_(ranks),
        mesh_(parallel::fitted({.data = static_cast<int>(config.parallel.data),
                                .expert = static_cast<int>(config.parallel.expert),
                                .context = static_cast<int>(config.parallel.context)},
                               ranks)),
        layout_(options.model->declarations(),
                {.dtype = scalar_type(config.model.dtype),
                 .decay = config.optimizer.decay,
                 .state_dtype = config.optimizer.state_dtype,
                 .trainable = config.model.trainable,
                 .shard = config.parallel.shard},
                replicas()) {}

  const parallel::MeshShape& mesh() const { return mesh_; }
  const UnitLayout& layout() const { return layout_; }
  ReplicaCounts replicas() const { return {.dense = ranks_, .expert = ranks_ / mesh_.expert}; }

  ActivationPlan activations(std::int64_t micro_tokens) const {
    ActivationShape shape;
    shape.tokens = micro_tokens;
    shape.longest_document = std::min(micro_tokens, config_.data.max_length);
    shape.dtype = scalar_type(config_.model.dtype);
    shape.recompute = recompute_of(config_.model.recompute);
    shape.kept = kept_inputs(layout_);
    shape.cuda = !options_.kind.is_cpu;
    shape.threads = options_.threads;
    shape.expert_ranks = mesh_.expert;
    shape.trains_head = shape.kept.head;
    return plan_activations(*options_.shape, shape);
  }

  RankMemory memory(const ActivationPlan& of_batch) const {
    const StateBytes states = layout_.state_bytes();
    RankMemory memory{.weights = states.values, .gradients = states.gradients, .masters = states.masters, .moments = states.moments};
    memory.activations = of_batch.peak.activations;
    memory.logits = of_batch.peak.logits;
    memory.communication = states.value_buffers + states.gradient_buffers;
    memory.reserve = reserve(of_batch);
    return memory;
  }

  bool fits(std::int64_t micro_tokens) const { return memory(activations(micro_tokens)).total() <= options_.kind.memory_bytes; }

  // Largest full micro-batch; 0 when one of data.max_length does not fit.
  std::int64_t largest_micro_tokens() const {
    constexpr std::int64_t kMost = std::int64_t{1} << 24;
    std::int64_t good = config_.data.max_length, bad = good;
    if (!fits(good)) return 0;
    while (bad < kMost && fits(bad)) good = std::exchange(bad, 2 * bad);
    while (bad - good > std::max<std::int64_t>(good / 256, 1)) {
      const std::int64_t middle = good + (bad - good) / 2;
      (fits(middle) ? good : bad) = middle;
    }
    return good;
  }

 private:
  std::int64_t reserve(const ActivationPlan& of_batch) const {
    const auto blocks = static_cast<std::int64_t>(kCachedBlocks * static_cast<double>(of_batch.peak.total()));
    if (!options_.kind.is_cpu) return kCudaContext + (ranks_ > 1 ? kNccl : 0) + blocks;
    // glibc before 2.38 does not serve an aligned block from a freed one of the same size: what comes and goes with every chunk, recomputed segment
    // or mixture leaves holes. How many was measured (docs/plan.md).
    return options_.process_bytes + kRunBytes + 2 * of_batch.logits_chunk + of_batch.passing + blocks;
  }

  RunConfig config_;
  const PlanOptions& options_;
  int ranks_;
  parallel::MeshShape mesh_;
  UnitLayout layout_;
};

struct StepShape {
  std::int64_t micro_batches = 1, fullest = 0;
};

// Documents of data.max_length, packed and dealt as in training.
StepShape step_shape(const RunConfig& config, const parallel::MeshShape& mesh) {
  const std::int64_t length = config.data.max_length;
  const std::int64_t documents = config.batch.documents > 0 ? config.batch.documents : std::max<std::int64_t>(config.batch.tokens / length, 1);
  const std::vector<std::int64_t> lengths(static_cast<std::size_t>(documents), length);
  const data::PackingLimits limits{config.batch.micro_tokens, config.batch.micro_documents, config.data.packing};
  StepShape shape{.micro_batches = 0};
  for (const auto& bins : data::plan_step(lengths, limits, mesh.data * mesh.expert)) {
    shape.micro_batches = std::max(shape.micro_batches, static_cast<std::int64_t>(bins.size()));
    for (const data::Bin& bin : bins) shape.fullest = std::max(shape.fullest, static_cast<std::int64_t>(bin.size()) * length);
  }
  return shape;
}

// Work done over the model's FLOPs: without weight gradients of frozen matrices (a third of their work), with what is computed twice (a third).
double work_factor(const RunConfig& config, const configs::ModelConfig& model, const UnitLayout& layout) {
  double trained = 0, all = 0;
  for (const Unit& unit : layout.units()) {
    if (unit.block < 0 && !layout.tied_head()) continue;
    all += static_cast<double>(unit.size);
    if (unit.trainable) trained += static_cast<double>(unit.size);
  }
  const double mlp =
      3.0 * static_cast<double>(model.num_layers * model.hidden_size * model.intermediate_size * std::max<std::int64_t>(model.experts_per_token, 1));
  const double head = static_cast<double>(model.vocab_size * model.hidden_size);
  const double matrices = model.flops_per_token(0) / 6.0;
  double twice = 0;
  if (config.model.recompute == RecomputePolicy::mlp) twice = mlp / matrices;
  if (config.model.recompute == RecomputePolicy::block) twice = 1.0 - head / matrices;
  return (2.0 + (all > 0 ? trained / all : 1.0) + twice) / 3.0;
}

double mean_keys(const RunConfig& config, const configs::ModelConfig& model) {
  data::GlobalBatch batch;
  batch.micro_batches.emplace_back();
  const auto length = static_cast<std::int32_t>(config.data.max_length);
  batch.micro_batches[0].segments.push_back({.begin = 0, .end = length});
  batch.micro_batches[0].tokens.resize(static_cast<std::size_t>(length));
  return mean_context(batch, model.sliding_window);
}

}  // namespace

Plan make_plan(const RunConfig& config, const PlanOptions& options) {
  const Candidate candidate(config, options, options.ranks);
  Plan plan{.config = config, .model = *options.shape, .mesh = candidate.mesh(), .kind = options.kind, .ranks = options.ranks};
  const StepShape step = step_shape(config, plan.mesh);
  plan.micro_batches = step.micro_batches;
  plan.micro_tokens = step.fullest;
  const ActivationPlan activations = candidate.activations(plan.micro_tokens);
  plan.memory = candidate.memory(activations);
  plan.peak_phase = activations.peak_phase;
  plan.largest_micro_tokens = candidate.largest_micro_tokens();
  plan.sent = plan_communication(plan.model, candidate.layout(), candidate.replicas(),
                                 {.micro_batches = plan.micro_batches,
                                  .tokens = plan.micro_tokens,
                                  .activation_bytes = static_cast<std::int64_t>(c10::elementSize(scalar_type(config.model.dtype))),
                                  .expert_ranks = plan.mesh.expert,
                                  .recompute = recompute_of(config.model.recompute)});
  plan.efficiency = options.efficiency;
  const double peak = options.kind.peak(config.model.dtype == configs::DType::bfloat16);
  plan.mfu = options.efficiency / work_factor(config, plan.model, candidate.layout());
  plan.tokens_per_second = options.ranks * peak * plan.mfu / plan.model.flops_per_token(mean_keys(config, plan.model));
  return plan;
}

std::vector<std::string> remedies(const Plan& plan, const PlanOptions& options) {
  std::vector<std::string> found;
  const auto works = [&](const RunConfig& config, int ranks) { return Candidate(config, options, ranks).fits(config.data.max_length); };
  // The first number of ranks, doubling, with which a recipe fits; 0: none up to 4096.
  const auto ranks_needed = [&](RunConfig config) {
    config.parallel.data = 0;
    for (int ranks = plan.ranks; ranks <= 4096; ranks *= 2)
      if (works(config, ranks)) return ranks;
    return 0;
  };
  const auto change = [&](const std::function<void(RunConfig&)>& edit, const std::string& text) {
    RunConfig config = plan.config;
    edit(config);
    if (!(config == plan.config) && works(config, plan.ranks)) found.push_back(text);
  };
  change([](RunConfig& c) { c.model.recompute = RecomputePolicy::block; }, "model.recompute: block");
  change([](RunConfig& c) { c.optimizer.state_dtype = configs::StateDType::bfloat16; }, "optimizer.state_dtype: bfloat16");
  for (const auto& [level, name] :
       {std::pair(Shard::optimizer, "optimizer"), std::pair(Shard::gradients, "gradients"), std::pair(Shard::parameters, "parameters")}) {
    const std::size_t before = found.size();
    if (plan.ranks > 1) change([level = level](RunConfig& c) { c.parallel.shard = level; }, std::string("parallel.shard: ") + name);
    if (found.size() > before) break;  // the gentlest level that suffices
  }
  if (const int ranks = plan.config.parallel.shard == Shard::none ? 0 : ranks_needed(plan.config); ranks > 0)
    found.push_back(std::to_string(ranks) + (options.kind.is_cpu ? " machines" : " GPUs"));
  if (!found.empty()) return found;
  RunConfig everything = plan.config;
  everything.model.recompute = RecomputePolicy::block;
  everything.parallel.shard = Shard::parameters;
  if (const int ranks = ranks_needed(everything); ranks > 0)
    found.push_back("parallel.shard: parameters with model.recompute: block on " + std::to_string(ranks) + (options.kind.is_cpu ? " such ranks" : " GPUs"));
  return found;
}

}  // namespace phidias::trainer
