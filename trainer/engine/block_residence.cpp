#include "trainer/engine/block_residence.h"

#include <ATen/ops/empty.h>
#include <c10/core/GradMode.h>

#include <algorithm>
#include <iterator>

namespace phidias::trainer {
namespace {

constexpr int kNothing = -2;  // no block
constexpr int kEmbedding = -1;
constexpr std::size_t kBlockBuffers = 2, kEdgeValues = 2, kEmbeddingGradients = 2, kHeadGradients = 3;

// Zeros between and behind the parameters: reduced values there would count in the gradient's norm.
void clear_gaps(const Unit& unit, const at::Tensor& memory) {
  std::int64_t end = 0;
  const auto clear_until = [&](std::int64_t begin) {
    if (begin > end) memory.narrow(0, end, begin - end).zero_();
  };
  for (const UnitSlot& slot : unit.slots) {
    clear_until(slot.offset);
    end = slot.offset + slot.count;
  }
  clear_until(unit.size);
}

}  // namespace

struct BlockResidence::ValueBuffer {
  at::Tensor bytes;
  int block = kNothing;  // whose values are here or arriving
  bool open = false;     // in use: not to be overwritten
  std::vector<std::pair<UnitState*, at::Tensor>> units;
  std::vector<std::unique_ptr<parallel::Work>> arriving;

  void wait() {
    for (auto& work : arriving) work->wait();
    arriving.clear();
  }
};

struct BlockResidence::GradientBuffer {
  struct Leaving {
    UnitState* state;
    at::Tensor to_add;  // reduced here, to be added to own_gradients; undefined: it went there directly
    std::unique_ptr<parallel::Work> work;
  };
  at::Tensor memory;
  int block = kNothing;  // whose gradients are bound
  std::vector<std::pair<UnitState*, at::Tensor>> units;
  std::vector<Leaving> leaving;
};

BlockResidence::BlockResidence(FlatParameters& parameters)
    : parameters_(parameters), head_(parameters.layout().head_block()), values_(kBlockBuffers + 1), gradients_(kBlockBuffers + 2) {
  for (UnitState& state : parameters.units()) {
    const Unit& unit = *state.unit;
    if (unit.values_sharded()) sharded_values_[unit.block].push_back(&state);
    if (unit.values_sharded() && unit.block == kEmbedding && parameters.layout().tied_head()) sharded_values_[head_].push_back(&state);
    if (unit.gradients_sharded()) sharded_gradients_[unit.block].push_back(&state);
  }
}

BlockResidence::~BlockResidence() = default;

std::int64_t BlockResidence::value_bytes() const {
  std::int64_t bytes = 0;
  for (const ValueBuffer& buffer : values_) bytes += buffer.bytes.defined() ? static_cast<std::int64_t>(buffer.bytes.nbytes()) : 0;
  return bytes;
}

std::int64_t BlockResidence::gradient_bytes() const {
  std::int64_t bytes = 0;
  for (const GradientBuffer& buffer : gradients_) bytes += buffer.memory.defined() ? static_cast<std::int64_t>(buffer.memory.nbytes()) : 0;
  return bytes;
}

void BlockResidence::begin(bool with_gradients) {
  with_gradients_ = with_gradients;
  if (!with_gradients) return;
  open_gradients(kEmbedding);
  open_gradients(head_);
}

void BlockResidence::end() {
  for (ValueBuffer& buffer : values_) {
    buffer.wait();
    if (buffer.open) release_values(buffer.block);
  }
  if (!with_gradients_) return;
  // The head first: the order in which backward reaches them.
  close_gradients(head_);
  for (int block = head_ - 1; block >= kEmbedding; --block) close_gradients(block);
}

void BlockResidence::finish_gradients() {
  const at::NoGradGuard no_grad;
  for (GradientBuffer& buffer : gradients_) settle(buffer);
  for (auto& [block, states] : sharded_gradients_)
    for (UnitState* state : states) {
      if (!state->has_own_gradients) state->own_gradients.zero_();
      state->has_own_gradients = false;
    }
}

void BlockResidence::values_changed() {
  for (ValueBuffer& buffer : values_) buffer.block = kNothing;
}

void BlockResidence::before_forward(int block) {
  make_resident(block, /*is_prefetch=*/false);
  if (block < head_) make_resident(block + 1, /*is_prefetch=*/true);
}

void BlockResidence::after_forward(int block) { release_values(block); }

void BlockResidence::before_backward(int block) {
  make_resident(block, /*is_prefetch=*/false);
  if (block > 0) make_resident(block - 1, /*is_prefetch=*/true);
  open_gradients(block);
}

void BlockResidence::after_backward(int block) {
  release_values(block);
  close_gradients(block);
}

void BlockResidence::make_resident(int block, bool is_prefetch) {
  const at::NoGradGuard no_grad;
  if (!sharded_values_.contains(block)) return;
  ValueBuffer& buffer = buffer_for(block);
  if (buffer.block != block) {
    if (is_prefetch && buffer.open) return;  // embedding and head share theirs
    buffer.wait();
    start_gather(buffer, block);
  }
  if (!is_prefetch) bind_values(buffer);
}

// The one that has the block already, else one that is not in use.
BlockResidence::ValueBuffer& BlockResidence::buffer_for(int block) {
  if (is_edge(block)) return values_[kEdgeValues];
  for (std::size_t i = 0; i < kBlockBuffers; ++i)
    if (values_[i].block == block) return values_[i];
  return values_[values_[0].open ? 1 : 0];
}

void BlockResidence::start_gather(ValueBuffer& buffer, int block) {
  const std::vector<UnitState*>& states = sharded_values_.at(block);
  if (!buffer.bytes.defined()) {
    const BufferBytes bytes = parameters_.layout().buffer_bytes();
    buffer.bytes = at::empty({is_edge(block) ? bytes.edge_values : bytes.block_values}, parameters_.memory().dtype(at::kByte));
  }
  buffer.block = block;
  buffer.units.clear();
  std::int64_t offset = 0;
  for (UnitState* state : states) {
    const std::int64_t bytes = state->unit->size * static_cast<std::int64_t>(c10::elementSize(state->unit->dtype));
    const at::Tensor whole = buffer.bytes.narrow(0, offset, bytes).view(state->unit->dtype);
    offset += bytes;
    buffer.units.emplace_back(state, whole);
    buffer.arriving.push_back(
        state->ranks->start_all_gather(state->own_values.const_data_ptr(), whole.mutable_data_ptr(), state->unit->shard(), data_type_of(whole)));
  }
}

void BlockResidence::bind_values(ValueBuffer& buffer) {
  buffer.wait();
  buffer.open = true;
  for (const auto& [state, whole] : buffer.units)
    for (const UnitSlot& slot : state->unit->slots) bind_value(slot, view_of(slot, whole), state->unit->trainable);
}

// Unbound rather than left: a late use fails instead of computing with another block's numbers.
void BlockResidence::release_values(int block) {
  const auto found = std::find_if(values_.begin(), values_.end(), [&](const ValueBuffer& buffer) { return buffer.open && buffer.block == block; });
  if (found == values_.end()) return;
  found->open = false;
  for (const auto& [state, whole] : found->units)
    for (const UnitSlot& slot : state->unit->slots) slot.parameter().value.reset();
}

void BlockResidence::open_gradients(int block) {
  const at::NoGradGuard no_grad;
  const auto states = sharded_gradients_.find(block);
  if (states == sharded_gradients_.end()) return;
  GradientBuffer* buffer = &gradients_[block == kEmbedding ? kEmbeddingGradients : kHeadGradients];
  // Neighbours among the blocks that have gradients take turns; a block always has the same one.
  if (!is_edge(block)) buffer = &gradients_[static_cast<std::size_t>(std::distance(sharded_gradients_.begin(), states)) % kBlockBuffers];
  settle(*buffer);
  if (!buffer->memory.defined()) {
    const BufferBytes bytes = parameters_.layout().buffer_bytes();
    const std::int64_t size = !is_edge(block) ? bytes.block_gradients : block == kEmbedding ? bytes.embedding_gradients : bytes.head_gradients;
    buffer->memory = at::empty({size / static_cast<std::int64_t>(sizeof(float))}, parameters_.memory());
  }
  buffer->block = block;
  buffer->units.clear();
  std::int64_t offset = 0;
  for (UnitState* state : states->second) {
    const at::Tensor memory = buffer->memory.narrow(0, offset, state->unit->size);
    offset += state->unit->size;
    buffer->units.emplace_back(state, memory);
    for (const UnitSlot& slot : state->unit->slots) {
      slot.parameter().gradient = view_of(slot, memory);
      slot.parameter().has_gradient = false;
    }
  }
}

void BlockResidence::close_gradients(int block) {
  const at::NoGradGuard no_grad;
  const auto buffer = std::find_if(gradients_.begin(), gradients_.end(), [&](const GradientBuffer& candidate) { return candidate.block == block; });
  if (buffer == gradients_.end()) return;
  buffer->block = kNothing;
  for (auto& [state, memory] : buffer->units) {
    const Unit& unit = *state->unit;
    for (const UnitSlot& slot : unit.slots) {
      kernels::Parameter& parameter = slot.parameter();
      if (!parameter.has_gradient) parameter.gradient.zero_();
      parameter.gradient.reset();
      parameter.has_gradient = false;
    }
    clear_gaps(unit, memory);
    // The first sum of a step goes where it belongs; later ones land in this rank's part of the buffer and are added.
    const at::Tensor to_add = state->has_own_gradients ? memory.narrow(0, state->begin(), unit.shard()) : at::Tensor();
    const at::Tensor& target = to_add.defined() ? to_add : state->own_gradients;
    state->has_own_gradients = true;
    auto work = state->ranks->start_reduce_scatter(memory.const_data_ptr(), target.mutable_data_ptr(), unit.shard(), parallel::DataType::float32,
                                                   parallel::ReduceOp::sum);
    buffer->leaving.push_back({state, to_add, std::move(work)});
  }
}

void BlockResidence::settle(GradientBuffer& buffer) {
  for (GradientBuffer::Leaving& leaving : buffer.leaving) {
    leaving.work->wait();
    if (leaving.to_add.defined()) leaving.state->own_gradients.add_(leaving.to_add);
  }
  buffer.leaving.clear();
}

}  // namespace phidias::trainer
