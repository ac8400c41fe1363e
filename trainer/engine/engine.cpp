#include "trainer/engine/engine.h"

#include <ATen/ops/zeros.h>
#include <c10/core/GradMode.h>

#include <algorithm>
#include <cmath>

#include "kernels/packed_batch.h"
#include "trainer/engine/leaf_gradients.h"
#include "trainer/root_work.h"
#include "trainer/stopwatch.h"

namespace phidias::trainer {

Engine::Engine(std::unique_ptr<models::CausalLM> model, const EngineRanks& ranks, const EngineOptions& options)
    : model_(std::move(model)), ranks_(ranks), options_(options) {
  parameters_ = std::make_unique<FlatParameters>(*model_, FlatOptions{options.dtype, options.device, options.optimizer.decay, options.trainable});
  loss_sum_ = at::zeros({}, at::TensorOptions().dtype(at::kDouble).device(options.device));
}

Engine::~Engine() = default;

void Engine::initialise(const std::function<void(models::CausalLM&)>& fill) {
  const at::NoGradGuard no_grad;
  parameters_->bind_for_loading();
  on_root(*ranks_.host, [&] { fill(*model_); });
  broadcast_state(/*with_optimizer=*/false);
  parameters_->bind_for_training();
  take_over_leaf_gradients(*parameters_);
  optimizer_ = std::make_unique<Optimizer>(*parameters_, options_.optimizer);
  buckets_ = std::make_unique<GradientBuckets>(*parameters_, *ranks_.device, options_.buckets);
}

void Engine::accumulate(Objective& objective, const data::MicroBatch& micro, std::int64_t target_tokens, bool is_last) {
  target_tokens_ = target_tokens;
  metric_names_ = objective.metric_names();
  if (is_last) buckets_->arm();
  if (micro.size() == 0) return;  // step() gives zeros to what nothing contributed to and joins the reductions
  for (const FlatSlot& slot : parameters_->trainable()) slot.parameter().contributions = 0;
  Stopwatch watch;
  const kernels::PackedBatch batch = kernels::to_device(micro, options_.device);
  const double scale = 1.0 / static_cast<double>(std::max<std::int64_t>(target_tokens, 1));
  const Outcome outcome = objective.forward(*model_, batch, options_.forward, scale);
  seconds_.forward += watch.lap();
  outcome.root.backward();
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
  const double local_loss = loss_sum_.item<double>();
  StepResult result;
  result.learning_rate = learning_rate;
  result.grad_norm = optimizer_->gradient_norm();
  const bool locally_finite = std::isfinite(local_loss) && std::isfinite(result.grad_norm);
  std::vector<double> sums = {local_loss, locally_finite ? 0.0 : 1.0};
  for (std::size_t i = 0; i < metric_names_.size(); ++i)
    sums.push_back(metric_sums_.defined() ? metric_sums_[static_cast<std::int64_t>(i)].item<double>() : 0.0);
  sum_over_ranks(sums);
  const double divisor = static_cast<double>(std::max<std::int64_t>(target_tokens_, 1));
  result.loss = sums[0] / divisor;
  result.finite = sums[1] == 0.0;
  for (std::size_t i = 0; i < metric_names_.size(); ++i) result.metrics[metric_names_[i]] = sums[2 + i] / divisor;
  seconds_.reduce += watch.lap();

  if (result.finite) optimizer_->step(learning_rate, result.grad_norm);
  for (const FlatSlot& slot : parameters_->trainable()) slot.parameter().has_gradient = false;
  loss_sum_.zero_();
  metric_sums_.reset();
  seconds_.optimizer += watch.lap();
  result.seconds = std::exchange(seconds_, {});
  return result;
}

LossSum Engine::evaluate(Objective& objective, const data::MicroBatch& micro) {
  if (micro.size() == 0) return {};
  const at::NoGradGuard no_grad;
  const kernels::PackedBatch batch = kernels::to_device(micro, options_.device);
  const Outcome outcome = objective.evaluate(*model_, batch, options_.forward);
  LossSum sum{outcome.loss_sum.item<double>(), {}};
  for (std::int64_t i = 0; outcome.metrics.defined() && i < outcome.metrics.numel(); ++i) sum.metrics.push_back(outcome.metrics[i].item<double>());
  return sum;
}

}  // namespace phidias::trainer
