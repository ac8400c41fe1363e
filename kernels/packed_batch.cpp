#include "kernels/packed_batch.h"

#include <ATen/ops/empty.h>
#include <ATen/ops/from_blob.h>

#include <algorithm>

#include "kernels/draws.h"

namespace phidias::kernels {
namespace {

at::Tensor copy_to(const std::vector<std::int32_t>& values, at::ScalarType dtype, at::Device device) {
  // from_blob needs a non-null pointer; an empty stream still has a tensor of the right type.
  if (values.empty()) return at::empty({0}, at::TensorOptions().dtype(dtype).device(device));
  auto* data = const_cast<std::int32_t*>(values.data());
  const at::Tensor view = at::from_blob(data, {static_cast<std::int64_t>(values.size())}, at::kInt);
  return view.to(at::TensorOptions().dtype(dtype).device(device), /*non_blocking=*/false, /*copy=*/true);
}

at::Tensor draw_keys(const data::MicroBatch& batch, const DrawSeed& draws) {
  at::Tensor keys = at::empty({batch.size()}, at::kLong);
  auto* key = keys.mutable_data_ptr<std::int64_t>();
  for (const data::Segment& segment : batch.segments)
    for (std::int32_t t = segment.begin; t < segment.end; ++t)
      key[t] = static_cast<std::int64_t>(draw_key(draws.seed, draws.step, segment.record_id, batch.positions[static_cast<std::size_t>(t)]));
  return keys;
}

}  // namespace

PackedBatch to_device(const data::MicroBatch& batch, at::Device device, const std::optional<DrawSeed>& draws) {
  PackedBatch packed;
  packed.segments = batch.segments;
  packed.tokens = copy_to(batch.tokens, at::kLong, device);
  packed.positions = copy_to(batch.positions, at::kInt, device);
  packed.targets = copy_to(batch.targets, at::kLong, device);
  std::vector<std::int32_t> offsets{0}, use_long(batch.tokens.size(), 0);
  for (const data::Segment& segment : batch.segments) {
    offsets.push_back(segment.end);
    packed.longest_document = std::max<std::int64_t>(packed.longest_document, segment.end - segment.begin);
    if (segment.use_long) std::fill(use_long.begin() + segment.begin, use_long.begin() + segment.end, 1);
  }
  packed.use_long = copy_to(use_long, at::kBool, device);
  packed.document_offsets = copy_to(offsets, at::kInt, device);
  if (draws) packed.draw_keys = draw_keys(batch, *draws).to(device);
  return packed;
}

}  // namespace phidias::kernels
