#include "trainer/engine/optimizer.h"

#include <ATen/ops/zeros.h>
#include <c10/core/GradMode.h>

#include <algorithm>
#include <cmath>
#include <memory>

#include "base/error.h"
#include "kernels/adamw.h"

namespace phidias::trainer {
namespace {

constexpr double kClipEpsilon = 1e-6;  // torch.nn.utils.clip_grad_norm_

}  // namespace

// Experts are the first dimension of a stacked parameter.
std::vector<Optimizer::Range> Optimizer::expert_slices(const Unit& unit) {
  std::vector<Range> slices;
  for (const UnitSlot& slot : unit.slots) {
    const std::int64_t experts = slot.declaration->shape.at(0), count = slot.count / experts;
    for (std::int64_t e = 0; e < experts; ++e) slices.push_back({slot.offset + e * count, slot.offset + (e + 1) * count});
  }
  return slices;
}

Optimizer::Optimizer(FlatParameters& parameters, const configs::OptimizerSection& options, int ranks) : parameters_(parameters), options_(options) {
  if (options.name != "adamw") throw ConfigError("optimizer.name: only adamw is known, not '" + options.name + "'");
  for (const UnitState& state : parameters.units())
    if (state.unit->trainable && state.replication() != ranks) is_whole_ = false;
}

double Optimizer::sum_of_squares() const {
  if (is_whole_) return kernels::sum_of_squares(parameters_.whole_gradients());
  double sum = 0;
  for (const UnitState& state : parameters_.units())
    if (state.unit->trainable) sum += kernels::sum_of_squares(state.own_gradients) / state.replication();
  return sum;
}

void Optimizer::step(double learning_rate, double gradient_norm) {
  const at::NoGradGuard no_grad;
  ++steps_done_;
  const double factor = options_.clip_norm > 0 ? std::min(1.0, options_.clip_norm / (gradient_norm + kClipEpsilon)) : 1.0;
  const std::vector<std::vector<Range>> unused = unused_experts();
  std::vector<std::unique_ptr<parallel::Work>> gathers;
  std::size_t index = 0;
  for (UnitState& state : parameters_.units()) {
    const std::vector<Range>& skipped = unused[index++];
    if (!state.unit->trainable) continue;
    const std::int64_t decayed = std::clamp(state.unit->decayed, state.begin(), state.end());
    update(state, {state.begin(), decayed}, skipped, learning_rate, options_.weight_decay, factor);
    update(state, {decayed, state.end()}, skipped, learning_rate, 0.0, factor);
    if (auto gather = parameters_.start_gather(state)) gathers.push_back(std::move(gather));
  }
  for (auto& gather : gathers) gather->wait();
}

// What lies between the skipped slices, which are in order.
void Optimizer::update(UnitState& state, Range range, const std::vector<Range>& skipped, double learning_rate, double weight_decay, double gradient_factor) {
  std::int64_t begin = range.begin;
  for (const Range& slice : skipped) {
    update_own(state, begin, std::min(slice.begin, range.end), learning_rate, weight_decay, gradient_factor);
    begin = std::max(begin, slice.end);
  }
  update_own(state, begin, range.end, learning_rate, weight_decay, gradient_factor);
}

void Optimizer::update_own(UnitState& state, std::int64_t begin, std::int64_t end, double learning_rate, double weight_decay, double gradient_factor) {
  if (begin >= end) return;
  const auto range = [&](const at::Tensor& own) { return own.narrow(0, begin - state.begin(), end - begin); };
  at::Tensor master = range(state.masters), exp_avg = range(state.exp_avg), exp_avg_sq = range(state.exp_avg_sq);
  at::Tensor compute = state.unit->has_masters() ? range(state.own_values) : at::Tensor();
  const kernels::AdamWStep step{learning_rate, options_.betas.at(0), options_.betas.at(1), options_.eps, weight_decay, steps_done_, gradient_factor};
  kernels::adamw_(master, range(state.own_gradients), exp_avg, exp_avg_sq, compute, step);
}

std::vector<std::vector<Optimizer::Range>> Optimizer::unused_experts() const {
  const auto& units = parameters_.units();
  std::vector<std::vector<Range>> unused(units.size());
  if (!options_.skip_unused_experts) return unused;
  for (std::size_t u = 0; u < units.size(); ++u) {
    const UnitState& state = units[u];
    if (!state.unit->trainable || state.unit->placement != models::Placement::expert) continue;
    const std::vector<Range> slices = expert_slices(*state.unit);
    at::Tensor largest = at::zeros({static_cast<std::int64_t>(slices.size())}, state.own_gradients.options());  // of what this rank owns of a slice
    for (std::size_t i = 0; i < slices.size(); ++i) {
      const std::int64_t begin = std::max(slices[i].begin, state.begin()), end = std::min(slices[i].end, state.end());
      if (begin < end) largest[static_cast<std::int64_t>(i)].copy_(state.own_gradients.narrow(0, begin - state.begin(), end - begin).abs().max());
    }
    if (state.unit->ranks > 1) state.ranks->all_reduce(largest.mutable_data_ptr(), largest.numel(), parallel::DataType::float32, parallel::ReduceOp::max);
    const at::Tensor on_host = largest.to(at::kCPU);
    for (std::size_t i = 0; i < slices.size(); ++i)
      if (on_host.const_data_ptr<float>()[i] == 0.0F) unused[u].push_back(slices[i]);
  }
  return unused;
}

}  // namespace phidias::trainer
