#include "trainer/engine/optimizer.h"

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

Optimizer::Optimizer(FlatParameters& parameters, const configs::OptimizerSection& options, int ranks)
    : parameters_(parameters), options_(options), experts_(parameters.units().size()) {
  if (options.name != "adamw") throw ConfigError("optimizer.name: only adamw is known, not '" + options.name + "'");
  for (std::size_t u = 0; u < experts_.size(); ++u) {
    const UnitState& state = parameters.units()[u];
    if (!state.unit->trainable) continue;
    if (state.replication() != ranks) is_whole_ = false;
    if (!options.skip_unused_experts || state.unit->placement != models::Placement::expert) continue;
    for (const UnitSlot& slot : state.unit->slots) {
      const std::int64_t count = slot.count / slot.declaration->shape.at(0);  // experts are the first dimension of a stacked parameter
      for (std::int64_t first = 0; first < slot.count; first += count) experts_[u].push_back({slot.declaration, first, count, slot.offset + first, 0});
    }
  }
}

double Optimizer::sum_of_squares() const {
  if (is_whole_) return kernels::sum_of_squares(parameters_.whole_gradients());
  double sum = 0;
  for (const UnitState& state : parameters_.units())
    if (state.unit->trainable) sum += kernels::sum_of_squares(state.own_gradients) / state.replication();
  return sum;
}

void Optimizer::step(double learning_rate, double gradient_norm, const ExpertUse& used) {
  const at::NoGradGuard no_grad;
  ++steps_done_;
  const double factor = options_.clip_norm > 0 ? std::min(1.0, options_.clip_norm / (gradient_norm + kClipEpsilon)) : 1.0;
  std::vector<std::unique_ptr<parallel::Work>> gathers;
  for (std::size_t u = 0; u < experts_.size(); ++u) {
    UnitState& state = parameters_.units()[u];
    if (!state.unit->trainable) continue;
    if (!experts_[u].empty()) {
      update_experts(state, experts_[u], {learning_rate, 0.0, factor, 0}, used);
    } else {
      update(state, 0, state.unit->decayed, {learning_rate, options_.weight_decay, factor, steps_done_});
      update(state, state.unit->decayed, state.unit->size, {learning_rate, 0.0, factor, steps_done_});
    }
    if (auto gather = parameters_.start_gather(state)) gathers.push_back(std::move(gather));
  }
  for (auto& gather : gathers) gather->wait();
}

// What this rank owns of [begin, end).
void Optimizer::update(UnitState& state, std::int64_t begin, std::int64_t end, const Update& update) {
  begin = std::max(begin, state.begin());
  end = std::min(end, state.end());
  if (begin >= end) return;
  const auto range = [&](const at::Tensor& own) { return own.narrow(0, begin - state.begin(), end - begin); };
  at::Tensor master = range(state.masters), exp_avg = range(state.exp_avg), exp_avg_sq = range(state.exp_avg_sq);
  at::Tensor compute = state.unit->has_masters() ? range(state.own_values) : at::Tensor();
  const kernels::AdamWStep step{update.learning_rate, options_.betas.at(0), options_.betas.at(1),  options_.eps,
                                update.weight_decay,  update.number,        update.gradient_factor};
  kernels::adamw_(master, range(state.own_gradients), exp_avg, exp_avg_sq, compute, step);
}

void Optimizer::update_experts(UnitState& state, std::vector<ExpertSlice>& slices, Update of_slice, const ExpertUse& used) {
  for (std::size_t i = 0; i < slices.size(); ++i) {
    if (!used(state.unit->block, slices[i].first / slices[i].count, slices[i].declaration->shape.at(0))) continue;
    of_slice.number = ++slices[i].updates;
    of_slice.weight_decay = slices[i].begin < state.unit->decayed ? options_.weight_decay : 0.0;
    update(state, slices[i].begin, slices[i].begin + slices[i].count, of_slice);
  }
}

std::map<std::string, std::int64_t> Optimizer::fewer_updates() const {
  std::map<std::string, std::int64_t> fewer;
  for (const std::vector<ExpertSlice>& slices : experts_)
    for (const ExpertSlice& slice : slices)
      for (const models::LogicalTensor& tensor : slice.declaration->tensors)
        if (tensor.offset >= slice.first && tensor.offset < slice.first + slice.count && slice.updates != steps_done_) fewer[tensor.name] = slice.updates;
  return fewer;
}

void Optimizer::set_steps_done(std::int64_t steps, const std::function<std::int64_t(const std::string& tensor)>& updates_of) {
  steps_done_ = steps;
  for (std::vector<ExpertSlice>& slices : experts_)
    for (ExpertSlice& slice : slices)
      for (const models::LogicalTensor& tensor : slice.declaration->tensors)
        if (tensor.offset >= slice.first && tensor.offset < slice.first + slice.count) slice.updates = updates_of(tensor.name);
}

}  // namespace phidias::trainer
