// Key-value caches: filling them from a packed stream, and one decoding step.
#include <ATen/ops/empty.h>
#include <ATen/ops/from_blob.h>

#include <algorithm>

#include "kernels/cuda/plugin.h"

namespace phidias::kernels::cuda {
namespace {

CacheShape cache_shape(const at::Tensor& rotated_qkv, std::int64_t heads, const at::Tensor& keys, const at::Tensor& values) {
  check_contiguous("key-value cache", {&rotated_qkv, &keys, &values});
  const std::int64_t kv_heads = keys.size(1), dim = keys.size(3);
  TORCH_CHECK(keys.sizes() == values.sizes() && keys.scalar_type() == rotated_qkv.scalar_type() && values.scalar_type() == keys.scalar_type() &&
                  heads % kv_heads == 0 && rotated_qkv.size(1) == (heads + 2 * kv_heads) * dim,
              "key-value cache ", keys.sizes(), " does not fit rows of ", rotated_qkv.size(1), " values with ", heads, " query heads");
  return {static_cast<int>(heads), static_cast<int>(kv_heads), static_cast<int>(dim), keys.size(2)};
}

}  // namespace

void PluginBackend::store_keys_values(const at::Tensor& rotated_qkv, const at::Tensor& positions, const at::Tensor& offsets,
                                      const std::vector<std::int64_t>& slots, std::int64_t heads, at::Tensor& keys, at::Tensor& values) {
  const CacheShape shape = cache_shape(rotated_qkv, heads, keys, values);
  check_contiguous("key-value cache", {&positions, &offsets});
  TORCH_CHECK(positions.scalar_type() == at::kInt && offsets.scalar_type() == at::kInt && offsets.numel() == static_cast<std::int64_t>(slots.size()) + 1,
              "key-value cache: ", slots.size(), " slots for ", offsets.numel(), " offsets");
  if (slots.empty() || rotated_qkv.size(0) == 0) return;
  const c10::cuda::CUDAGuard guard(keys.device());
  std::vector<std::int32_t> host;
  for (const std::int64_t slot : slots) {
    TORCH_CHECK(slot >= 0 && slot < keys.size(0), "key-value cache: slot ", slot, " of ", keys.size(0));
    host.push_back(static_cast<std::int32_t>(slot));
  }
  const at::Tensor on_device = at::from_blob(host.data(), {static_cast<std::int64_t>(host.size())}, at::kInt).to(keys.device());
  C10_CUDA_CHECK(cuda::store_keys_values(element_of(keys), pointer(rotated_qkv), pointer<std::int32_t>(positions), pointer<std::int32_t>(offsets),
                                         pointer<std::int32_t>(on_device), static_cast<int>(slots.size()), rotated_qkv.size(0), shape, pointer(keys),
                                         pointer(values), stream()));
}

void PluginBackend::decode_attention(const at::Tensor& rotated_qkv, const std::vector<std::int64_t>& slots, const std::vector<std::int64_t>& lengths,
                                     std::int64_t heads, std::int64_t window, const BlockSparsePattern& sparse, double scale, at::Tensor& keys,
                                     at::Tensor& values, at::Tensor& out) {
  const CacheShape shape = cache_shape(rotated_qkv, heads, keys, values);
  const std::int64_t rows = rotated_qkv.size(0);
  check_contiguous("decode attention", {&out});
  TORCH_CHECK(static_cast<std::int64_t>(slots.size()) == rows && static_cast<std::int64_t>(lengths.size()) == rows, "decode attention: ", rows, " rows, ",
              slots.size(), " slots, ", lengths.size(), " lengths");
  const c10::cuda::CUDAGuard guard(keys.device());
  for (std::int64_t begin = 0; begin < rows; begin += kDecodeRows) {
    const int count = static_cast<int>(std::min<std::int64_t>(kDecodeRows, rows - begin));
    DecodeRows where{};
    std::int64_t longest = 0;
    for (int i = 0; i < count; ++i) {
      const std::int64_t slot = slots[begin + i], length = lengths[begin + i];
      TORCH_CHECK(slot >= 0 && slot < keys.size(0) && length >= 0 && length < shape.capacity, "decode attention: slot ", slot, " of ", keys.size(0),
                  ", length ", length, " of ", shape.capacity);
      where.slot[i] = static_cast<std::int32_t>(slot);
      where.length[i] = static_cast<std::int32_t>(length);
      longest = std::max(longest, length + 1);
    }
    if (window > 0) longest = std::min(longest, window);
    const int splits = decode_splits(count, shape, longest);
    at::Tensor workspace;
    if (splits > 1) workspace = at::empty({count, heads, splits, shape.head_dim + 2}, out.options().dtype(at::kFloat));
    const at::Tensor row_part = rotated_qkv.narrow(0, begin, count), out_part = out.narrow(0, begin, count);
    C10_CUDA_CHECK(cuda::decode_attention(element_of(keys), pointer(row_part), where, count, shape, window, sparse, static_cast<float>(scale), splits,
                                          pointer(keys), pointer(values), pointer<float>(workspace), pointer(out_part), stream()));
  }
}

}  // namespace phidias::kernels::cuda
