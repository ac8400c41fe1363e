#include "trainer/engine/unit_layout.h"

#include <fnmatch.h>

#include <algorithm>
#include <map>
#include <tuple>

#include "base/error.h"

namespace phidias::trainer {
namespace {

constexpr std::int64_t kAlignment = 32;  // elements: 64 bytes of bfloat16, 128 of float32
constexpr std::int64_t kMasterBytes = sizeof(float);
constexpr int kEmbedding = -1;
constexpr int kBlockBuffers = 2;

std::int64_t rounded_up(std::int64_t count, std::int64_t to) { return (count + to - 1) / to * to; }

std::int64_t count_of(const models::ParameterDeclaration& declaration) {
  std::int64_t count = 1;
  for (const std::int64_t size : declaration.shape) count *= size;
  return count;
}

bool matches(const std::string& pattern, const std::string& name) { return fnmatch(pattern.c_str(), name.c_str(), 0) == 0; }

// Of a storage with several tensors all or none must be named.
bool names_parameter(const std::vector<std::string>& patterns, const models::ParameterDeclaration& declaration) {
  const auto named = [&](const std::string& name) {
    return std::any_of(patterns.begin(), patterns.end(), [&](const std::string& pattern) { return matches(pattern, name); });
  };
  if (named(declaration.name)) return true;
  const auto count = std::count_if(declaration.tensors.begin(), declaration.tensors.end(), [&](const auto& tensor) { return named(tensor.name); });
  if (count == 0 || count == static_cast<std::ptrdiff_t>(declaration.tensors.size())) return count > 0;
  const auto left_out = std::find_if(declaration.tensors.begin(), declaration.tensors.end(), [&](const auto& tensor) { return !named(tensor.name); });
  throw ConfigError("model.trainable: the patterns name part of " + declaration.name + " but not " + left_out->name +
                    "; they are stored as one and trained together or not at all");
}

void check_patterns(const std::vector<std::string>& patterns, const std::vector<models::ParameterDeclaration>& declarations) {
  for (const std::string& pattern : patterns) {
    const bool found = std::any_of(declarations.begin(), declarations.end(), [&](const auto& declaration) {
      return matches(pattern, declaration.name) ||
             std::any_of(declaration.tensors.begin(), declaration.tensors.end(), [&](const auto& tensor) { return matches(pattern, tensor.name); });
    });
    if (!found)
      throw ConfigError("model.trainable: no parameter matches '" + pattern + "' (patterns are shell patterns over whole names, such as '*self_attn*')");
  }
}

// Lays out the decayed slots, then the plain ones.
void lay_out(Unit& unit, const std::vector<UnitSlot>& decayed, const std::vector<UnitSlot>& plain) {
  const auto append = [&unit](UnitSlot slot) {
    slot.offset = unit.size;
    slot.count = count_of(*slot.declaration);
    unit.size += rounded_up(slot.count, kAlignment);
    unit.slots.push_back(slot);
  };
  for (const UnitSlot& slot : decayed) append(slot);
  unit.decayed = unit.size;
  for (const UnitSlot& slot : plain) append(slot);
  unit.size = rounded_up(unit.size, kAlignment * unit.ranks);
}

struct Slots {
  std::vector<UnitSlot> decayed, plain;
};

}  // namespace

UnitLayout::UnitLayout(const std::vector<models::ParameterDeclaration>& declarations, const UnitOptions& options, const ReplicaCounts& replicas)
    : options_(options) {
  check_patterns(options.trainable, declarations);
  const bool adapted = std::any_of(declarations.begin(), declarations.end(), [](const auto& declaration) { return declaration.adapter; });
  // Trainable before frozen, later blocks first, dense before expert.
  using Key = std::tuple<bool, int, models::Placement, at::ScalarType>;
  std::map<Key, Slots> groups;
  for (auto declaration = declarations.rbegin(); declaration != declarations.rend(); ++declaration) {
    const bool everything = options.trainable.empty() && !adapted;
    const bool trainable =
        (declaration->adapter || everything || names_parameter(options.trainable, *declaration)) && !names_parameter(options.frozen, *declaration);
    const at::ScalarType dtype = declaration->adapter ? at::kFloat : options.dtype;
    Slots& slots = groups[{!trainable, -declaration->block, declaration->placement, dtype}];
    const bool decays = options.decay == configs::Decay::all || declaration->matrix;
    (decays ? slots.decayed : slots.plain).push_back({&*declaration, 0, 0});
    head_block_ = std::max(head_block_, declaration->block);
    tied_head_ = tied_head_ || (declaration->block == kEmbedding && declaration->parameter->uses > 1);
  }
  for (const auto& [key, slots] : groups) {
    Unit unit;
    unit.trainable = !std::get<0>(key);
    unit.block = -std::get<1>(key);
    unit.placement = std::get<2>(key);
    unit.dtype = std::get<3>(key);
    const int group = unit.placement == models::Placement::dense ? replicas.dense : replicas.expert;
    const bool sharded = group > 1 && (unit.trainable || options.shard == configs::Shard::parameters);
    unit.level = sharded ? options.shard : configs::Shard::none;
    unit.ranks = unit.level == configs::Shard::none ? 1 : group;
    lay_out(unit, slots.decayed, slots.plain);
    units_.push_back(std::move(unit));
  }
}

BufferBytes UnitLayout::buffer_bytes() const {
  std::map<int, std::int64_t> values, gradients;  // by block
  for (const Unit& unit : units_) {
    if (unit.values_sharded()) values[unit.block] += unit.size * static_cast<std::int64_t>(c10::elementSize(unit.dtype));
    if (unit.gradients_sharded()) gradients[unit.block] += unit.size * kMasterBytes;
  }
  BufferBytes bytes;
  for (int block = 0; block < head_block_; ++block) {
    bytes.block_values = std::max(bytes.block_values, values[block]);
    bytes.block_gradients = std::max(bytes.block_gradients, gradients[block]);
    bytes.value_blocks += values[block] > 0 && bytes.value_blocks < kBlockBuffers ? 1 : 0;
    bytes.gradient_blocks += gradients[block] > 0 && bytes.gradient_blocks < kBlockBuffers ? 1 : 0;
  }
  bytes.edge_values = std::max(values[kEmbedding], values[head_block_] + (tied_head_ ? values[kEmbedding] : 0));
  bytes.embedding_gradients = gradients[kEmbedding];
  bytes.head_gradients = gradients[head_block_];
  return bytes;
}

StateBytes UnitLayout::state_bytes() const {
  const std::int64_t state = options_.state_dtype == configs::StateDType::float32 ? sizeof(float) : 2;
  StateBytes bytes;
  for (const Unit& unit : units_) {
    bytes.values += (unit.values_sharded() ? unit.shard() : unit.size) * static_cast<std::int64_t>(c10::elementSize(unit.dtype));
    if (!unit.trainable) continue;
    bytes.gradients += (unit.gradients_sharded() ? unit.shard() : unit.size) * kMasterBytes;
    if (unit.has_masters()) bytes.masters += unit.shard() * kMasterBytes;
    bytes.moments += 2 * unit.shard() * state;
  }
  const BufferBytes buffers = buffer_bytes();
  bytes.value_buffers = buffers.value_blocks * buffers.block_values + buffers.edge_values;
  bytes.gradient_buffers = buffers.gradient_blocks * buffers.block_gradients + buffers.embedding_gradients + buffers.head_gradients;
  return bytes;
}

}  // namespace phidias::trainer
