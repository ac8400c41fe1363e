#include "trainer/engine/flat_parameters.h"

#include <ATen/ops/zeros.h>
#include <c10/core/GradMode.h>

#include <algorithm>

#include "trainer/engine/leaf_gradients.h"

namespace phidias::trainer {

at::Tensor view_of(const UnitSlot& slot, const at::Tensor& memory) { return memory.narrow(0, slot.offset, slot.count).view(slot.declaration->shape); }

void bind_value(const UnitSlot& slot, at::Tensor value, bool trainable) {
  kernels::Parameter& parameter = slot.parameter();
  parameter.value = std::move(value);
  if (!trainable) return;
  parameter.value.set_requires_grad(true);
  take_over_leaf_gradient(parameter);
}

parallel::DataType data_type_of(const at::Tensor& tensor) {
  return tensor.scalar_type() == at::kFloat ? parallel::DataType::float32 : parallel::DataType::bfloat16;
}

void for_own_ranges(const UnitState& state, const at::Tensor& memory, const OwnRange& visit) {
  for (const UnitSlot& slot : state.unit->slots)
    for (const models::LogicalTensor& tensor : slot.declaration->tensors) {
      const std::int64_t first = slot.offset + tensor.offset;
      const std::int64_t begin = std::max(first, state.begin()), end = std::min(first + tensor.count(), state.end());
      if (begin < end) visit(*slot.declaration, tensor, begin - first, end - first, memory.narrow(0, begin - state.begin(), end - begin));
    }
}

FlatParameters::FlatParameters(const models::CausalLM& model, const UnitOptions& options, at::Device device, const ReplicaRanks& ranks)
    : layout_(model.declarations(), options, {ranks.dense->size(), ranks.expert->size()}), memory_(at::TensorOptions().device(device).dtype(at::kFloat)) {
  std::int64_t whole = 0;
  for (const Unit& unit : layout_.units()) {
    UnitState state;
    state.unit = &unit;
    state.ranks = unit.placement == models::Placement::dense ? ranks.dense : ranks.expert;
    state.part = unit.ranks > 1 ? state.ranks->rank() : 0;
    allocate(state, whole);
    states_.push_back(std::move(state));
  }
  whole_gradients_ = at::zeros({whole}, memory_);
  for (UnitState& state : states_) {
    if (!state.unit->trainable || state.unit->gradients_sharded()) continue;
    state.gradients = whole_gradients_.narrow(0, state.gradient_begin, state.unit->size);
    state.own_gradients = state.gradients.narrow(0, state.begin(), state.unit->shard());
  }
}

void FlatParameters::allocate(UnitState& state, std::int64_t& whole_gradients) {
  const Unit& unit = *state.unit;
  const std::int64_t shard = unit.shard();
  if (unit.values_sharded()) {
    state.own_values = at::zeros({shard}, memory_.dtype(unit.dtype));
  } else {
    state.values = at::zeros({unit.size}, memory_.dtype(unit.dtype));
    state.own_values = state.values.narrow(0, state.begin(), shard);
  }
  if (!unit.trainable) return;
  state.masters = unit.has_masters() ? at::zeros({shard}, memory_) : state.own_values;
  const auto moments = memory_.dtype(layout_.options().state_dtype == configs::StateDType::float32 ? at::kFloat : at::kBFloat16);
  state.exp_avg = at::zeros({shard}, moments);
  state.exp_avg_sq = at::zeros({shard}, moments);
  if (unit.gradients_sharded()) {
    state.own_gradients = at::zeros({shard}, memory_);
    return;
  }
  state.gradient_begin = whole_gradients;
  whole_gradients += unit.size;
}

void FlatParameters::read_values(const models::RangeReader& read) {
  const at::NoGradGuard no_grad;
  for (UnitState& state : states_) for_own_ranges(state, state.unit->trainable ? state.masters : state.own_values, read);
}

std::unique_ptr<parallel::Work> FlatParameters::start_gather(UnitState& state) {
  if (!state.unit->trainable || state.unit->ranks == 1 || state.unit->values_sharded()) return nullptr;
  return state.ranks->start_all_gather(state.own_values.const_data_ptr(), state.values.mutable_data_ptr(), state.unit->shard(), data_type_of(state.values));
}

void FlatParameters::publish_values() {
  const at::NoGradGuard no_grad;
  for (UnitState& state : states_) {
    if (state.unit->has_masters()) state.own_values.copy_(state.masters);
    if (const auto work = start_gather(state)) work->wait();
  }
}

void FlatParameters::bind() {
  const at::NoGradGuard no_grad;
  for (UnitState& state : states_)
    for (const UnitSlot& slot : state.unit->slots) {
      kernels::Parameter& parameter = slot.parameter();
      parameter.on_demand = state.unit->gradients_sharded();
      parameter.has_gradient = false;
      parameter.contributions = 0;
      parameter.gradient = state.gradients.defined() ? view_of(slot, state.gradients) : at::Tensor();
      if (state.values.defined())
        bind_value(slot, view_of(slot, state.values), state.unit->trainable);
      else
        parameter.value.reset();
    }
}

StateBytes FlatParameters::bytes() const {
  StateBytes bytes;
  const auto size = [](const at::Tensor& tensor) { return tensor.defined() ? static_cast<std::int64_t>(tensor.nbytes()) : 0; };
  for (const UnitState& state : states_) {
    bytes.values += size(state.values.defined() ? state.values : state.own_values);
    if (state.unit->gradients_sharded()) bytes.gradients += size(state.own_gradients);
    if (state.unit->has_masters()) bytes.masters += size(state.masters);
    bytes.moments += size(state.exp_avg) + size(state.exp_avg_sq);
  }
  bytes.gradients += size(whole_gradients_);
  return bytes;
}

}  // namespace phidias::trainer
