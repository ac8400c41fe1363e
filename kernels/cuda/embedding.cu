// The gradient of a table look-up without atomics: ids come sorted; the block at the first of a run of equal ids adds the run's rows in order.
#include "kernels/cuda/vector.cuh"

namespace phidias::kernels::cuda {
namespace {

template <typename T, int kVec>
__global__ void gradient_kernel(const T* dy, const std::int64_t* ids, const std::int64_t* order, std::int64_t tokens, int packs, std::int64_t table_rows,
                                std::int64_t ignored_id, float* gradient) {
  const std::int64_t first = blockIdx.x, id = ids[first];
  if (first > 0 && ids[first - 1] == id) return;
  if (id == ignored_id || id < 0 || id >= table_rows) return;
  const std::int64_t hidden = static_cast<std::int64_t>(packs) * kVec;
  for (int pack = threadIdx.x; pack < packs; pack += blockDim.x) {
    float* target = gradient + id * hidden + pack * kVec;
    float sum[kVec];
#pragma unroll
    for (int i = 0; i < kVec; ++i) sum[i] = target[i];
    for (std::int64_t t = first; t < tokens && ids[t] == id; ++t) {
      float row[kVec];
      load(dy + order[t] * hidden + pack * kVec, row);
#pragma unroll
      for (int i = 0; i < kVec; ++i) sum[i] += row[i];
    }
#pragma unroll
    for (int i = 0; i < kVec; ++i) target[i] = sum[i];
  }
}

}  // namespace

cudaError_t embedding_gradient(Element type, const void* dy, const std::int64_t* sorted_ids, const std::int64_t* order, std::int64_t tokens,
                               std::int64_t hidden, std::int64_t table_rows, std::int64_t ignored_id, float* gradient, cudaStream_t stream) {
  if (tokens == 0 || hidden == 0) return cudaSuccess;
  return with_type(type, [&](auto tag) {
    using T = decltype(tag);
    constexpr int kVec = 4;
    const bool wide = hidden % kVec == 0 && aligned(dy) && aligned(gradient);
    const std::int64_t packs = wide ? hidden / kVec : hidden;
    const int threads = packs >= 512 ? 512 : static_cast<int>(divide_up(packs, 32) * 32);
    const auto blocks = static_cast<unsigned>(tokens);
    if (wide) {
      gradient_kernel<T, kVec>
          <<<blocks, threads, 0, stream>>>(static_cast<const T*>(dy), sorted_ids, order, tokens, static_cast<int>(packs), table_rows, ignored_id, gradient);
    } else {
      gradient_kernel<T, 1>
          <<<blocks, threads, 0, stream>>>(static_cast<const T*>(dy), sorted_ids, order, tokens, static_cast<int>(packs), table_rows, ignored_id, gradient);
    }
    return cudaGetLastError();
  });
}

}  // namespace phidias::kernels::cuda
