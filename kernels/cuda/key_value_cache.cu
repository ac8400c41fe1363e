// Copies the rotated keys and the values of a packed stream into the slots of a cache; one block per token.
#include "kernels/cuda/vector.cuh"

namespace phidias::kernels::cuda {
namespace {

template <typename T, int kVec>
__global__ void store_kernel(const T* rotated, const std::int32_t* positions, const std::int32_t* offsets, const std::int32_t* slots, int documents,
                             CacheShape shape, T* keys, T* values) {
  const int token = blockIdx.x;
  int low = 0, high = documents;  // the document whose range holds the token: offsets[low] <= token < offsets[low + 1]
  while (high - low > 1) {
    const int middle = (low + high) / 2;
    if (offsets[middle] <= token)
      low = middle;
    else
      high = middle;
  }
  const std::int64_t slot = slots[low], position = positions[token];
  if (position < 0 || position >= shape.capacity) return;
  const T* row = rotated + static_cast<std::int64_t>(token) * (shape.heads + 2 * shape.kv_heads) * shape.head_dim + shape.heads * shape.head_dim;
  const int packs = shape.head_dim / kVec, all = shape.kv_heads * packs;
  for (int item = threadIdx.x; item < 2 * all; item += blockDim.x) {
    const bool is_value = item >= all;
    const int head = (item % all) / packs, pack = item % packs;
    const std::int64_t to = ((slot * shape.kv_heads + head) * shape.capacity + position) * shape.head_dim + pack * kVec;
    float copy[kVec];
    load(row + item * kVec, copy);
    store((is_value ? values : keys) + to, copy);
  }
}

}  // namespace

cudaError_t store_keys_values(Element type, const void* rotated, const std::int32_t* positions, const std::int32_t* offsets, const std::int32_t* slots,
                              int documents, std::int64_t tokens, const CacheShape& shape, void* keys, void* values, cudaStream_t stream) {
  if (tokens == 0 || documents == 0) return cudaSuccess;
  return with_type(type, [&](auto tag) {
    using T = decltype(tag);
    const bool wide = shape.head_dim % kWide<T> == 0 && aligned(rotated) && aligned(keys) && aligned(values);
    const auto launch = [&]<int kVec>() {
      store_kernel<T, kVec><<<static_cast<unsigned>(tokens), 128, 0, stream>>>(static_cast<const T*>(rotated), positions, offsets, slots, documents, shape,
                                                                               static_cast<T*>(keys), static_cast<T*>(values));
    };
    if (wide)
      launch.template operator()<kWide<T>>();
    else
      launch.template operator()<1>();
    return cudaGetLastError();
  });
}

}  // namespace phidias::kernels::cuda
