#include "trainer/engine/engine.h"

#include <ATen/ops/zeros.h>
#include <c10/core/GradMode.h>

#include <algorithm>
#include <cmath>

#include "kernels/packed_batch.h"
#include "trainer/root_work.h"
#include "trainer/stopwatch.h"

namespace phidias::trainer {

namespace {

void add_routing(StepResult& result, const RoutingReport& routing, const LoadBalance& balance) {
  result.metrics["cross_entropy"] = result.loss;
  result.metrics["aux_loss"] = routing.aux_loss;
  result.metrics["load_entropy"] = routing.load_entropy;
  result.metrics["dead_experts"] = static_cast<double>(routing.dead_experts);
  result.expert_load = routing.expert_load;
  result.expert_counts = balance.previous_counts();
  result.loss += balance.coefficient() * routing.aux_loss;
}

}  // namespace

Engine::Engine(std::unique_ptr<models::CausalLM> model, const EngineRanks& ranks, const EngineOptions& options)
    : model_(std::move(model)), ranks_(ranks), options_(options) {
  const UnitOptions units{options.dtype, options.optimizer.decay, options.optimizer.state_dtype, options.trainable, options.shard, options.frozen};
  const ReplicaRanks replicas{ranks.device, ranks.device_replicas != nullptr ? ranks.device_replicas : ranks.device};
  parameters_ = std::make_unique<FlatParameters>(*model_, units, options.device, replicas);
  residence_ = std::make_unique<BlockResidence>(*parameters_);
  if (residence_->needed()) options_.forward.weights = residence_.get();
  if (model_->config().num_experts > 0) balance_ = std::make_unique<LoadBalance>(model_->config(), options.aux_counts, *ranks.host);
  loss_sum_ = at::zeros({}, at::TensorOptions().dtype(at::kDouble).device(options.device));
}

Engine::~Engine() = default;

void Engine::initialise(const models::RangeReader& read) {
  on_every_rank(*ranks_.host, [&] {
    if (read) parameters_->read_values(read);
  });
  parameters_->publish_values();
  parameters_->bind();
  optimizer_ = std::make_unique<Optimizer>(*parameters_, options_.optimizer, ranks_.host->size());
  buckets_ = std::make_unique<GradientBuckets>(*parameters_, options_.buckets);
}

StateBytes Engine::memory() const {
  StateBytes bytes = parameters_->bytes();
  bytes.value_buffers = residence_->value_bytes();
  bytes.gradient_buffers = residence_->gradient_bytes();
  return bytes;
}

void Engine::accumulate(Objective& objective, const data::MicroBatch& micro, const data::GlobalBatch& batch) {
  target_tokens_ = batch.target_tokens;
  metric_names_ = objective.metric_names();
  if (micro.is_last) buckets_->arm();
  models::ForwardOptions forward = options_.forward;
  if (balance_) forward.routing = balance_->begin_micro_batch();
  const bool everyone_runs = collective() || (balance_ && balance_->is_collective());
  if (micro.size() == 0 && !everyone_runs) {  // step() gives zeros to what nothing contributed to and joins the reductions
    if (balance_) balance_->after_forward(*forward.routing, batch.tokens);
    return;
  }
  parameters_->for_each_trainable([](kernels::Parameter& parameter) { parameter.contributions = 0; });
  Stopwatch watch;
  const kernels::PackedBatch packed = kernels::to_device(micro, options_.device, kernels::DrawSeed{options_.seed, batch.step});
  const double scale = 1.0 / static_cast<double>(std::max<std::int64_t>(target_tokens_, 1));
  residence_->begin(/*with_gradients=*/true);
  const Outcome outcome = objective.forward(*model_, packed, forward, scale);
  if (balance_) balance_->after_forward(*forward.routing, batch.tokens);
  seconds_.forward += watch.lap();
  outcome.root.backward();
  residence_->end();
  loss_sum_.add_(outcome.loss_sum.to(at::kDouble));
  if (outcome.metrics.defined()) metric_sums_ = metric_sums_.defined() ? metric_sums_.add(outcome.metrics) : outcome.metrics;
  seconds_.backward += watch.lap();
}

void Engine::sum_over_ranks(std::vector<double>& numbers) const {
  ranks_.host->all_reduce(numbers.data(), static_cast<std::int64_t>(numbers.size()), parallel::DataType::float64, parallel::ReduceOp::sum);
}

StepResult Engine::step(double learning_rate) {
  Stopwatch watch;
  buckets_->finish();
  residence_->finish_gradients();
  const double local_loss = loss_sum_.item<double>(), squares = optimizer_->sum_of_squares();
  const bool locally_finite = std::isfinite(local_loss) && std::isfinite(squares);
  std::vector<double> sums = {local_loss, locally_finite ? 0.0 : 1.0, squares};
  for (std::size_t i = 0; i < metric_names_.size(); ++i)
    sums.push_back(metric_sums_.defined() ? metric_sums_[static_cast<std::int64_t>(i)].item<double>() : 0.0);
  sum_over_ranks(sums);
  const double divisor = static_cast<double>(std::max<std::int64_t>(target_tokens_, 1));
  StepResult result;
  result.learning_rate = learning_rate;
  result.loss = sums[0] / divisor;
  result.finite = sums[1] == 0.0;
  result.grad_norm = std::sqrt(optimizer_->is_whole() ? squares : sums[2]);
  for (std::size_t i = 0; i < metric_names_.size(); ++i) result.metrics[metric_names_[i]] = sums[3 + i] / divisor;
  const RoutingReport routing = balance_ ? balance_->finish_step() : RoutingReport();
  if (balance_) add_routing(result, routing, *balance_);
  seconds_.reduce += watch.lap();

  const auto expert_got_tokens = [&](int block, std::int64_t expert, std::int64_t local_experts) {
    const std::int64_t number = ranks_.expert_rank * local_experts + expert;
    return routing.layer_load.at(static_cast<std::size_t>(block * model_->config().num_experts + number)) > 0;
  };
  if (result.finite) optimizer_->step(learning_rate, result.grad_norm, expert_got_tokens);
  residence_->values_changed();
  parameters_->for_each_trainable([](kernels::Parameter& parameter) { parameter.has_gradient = false; });
  loss_sum_.zero_();
  metric_sums_.reset();
  seconds_.optimizer += watch.lap();
  result.seconds = std::exchange(seconds_, {});
  return result;
}

LossSum Engine::evaluate(Objective& objective, const data::MicroBatch& micro) {
  if (micro.size() == 0 && !collective()) return {};
  const at::NoGradGuard no_grad;
  const kernels::PackedBatch batch = kernels::to_device(micro, options_.device);
  residence_->begin(/*with_gradients=*/false);
  const Outcome outcome = objective.evaluate(*model_, batch, options_.forward);
  residence_->end();
  LossSum sum{outcome.loss_sum.item<double>(), {}};
  for (std::int64_t i = 0; outcome.metrics.defined() && i < outcome.metrics.numel(); ++i) sum.metrics.push_back(outcome.metrics[i].item<double>());
  return sum;
}

}  // namespace phidias::trainer
