// RMSNorm: a row lives in the registers of one block, so that every byte is read once.
//
// Forward: one block per row. Backward: a fixed number of blocks walks over the rows and keeps its share of the weight's gradient in registers;
// the shares are added up in order by column_sum, which makes the gradient deterministic.
#include "kernels/cuda/row_fit.cuh"

namespace phidias::kernels::cuda {
namespace {

template <typename T, int kVec, int kPacks>
__global__ void __launch_bounds__(kMaxThreads) forward_kernel(const T* x, const T* update, const T* weight, T* sum, T* y, float* rstd, int packs, float eps) {
  __shared__ float shared[32];
  const std::int64_t base = static_cast<std::int64_t>(blockIdx.x) * packs * kVec;
  float row[kPacks][kVec];
  float square = 0.0f;
#pragma unroll
  for (int p = 0; p < kPacks; ++p) {
    const int pack = threadIdx.x + p * blockDim.x;
    if (pack >= packs) break;
    load(x + base + pack * kVec, row[p]);
    if (update != nullptr) {
      float add[kVec];
      load(update + base + pack * kVec, add);
#pragma unroll
      for (int i = 0; i < kVec; ++i) row[p][i] = rounded<T>(row[p][i] + add[i]);
      store(sum + base + pack * kVec, row[p]);
    }
#pragma unroll
    for (int i = 0; i < kVec; ++i) square += row[p][i] * row[p][i];
  }
  square = block_reduce(square, 0.0f, shared, Add{});
  const float scale = rsqrtf(square / static_cast<float>(packs * kVec) + eps);
  if (threadIdx.x == 0) rstd[blockIdx.x] = scale;
#pragma unroll
  for (int p = 0; p < kPacks; ++p) {
    const int pack = threadIdx.x + p * blockDim.x;
    if (pack >= packs) break;
    float w[kVec];
    load(weight + pack * kVec, w);
#pragma unroll
    for (int i = 0; i < kVec; ++i) row[p][i] = rounded<T>(row[p][i] * scale) * w[i];
    store(y + base + pack * kVec, row[p]);
  }
}

// With n = x * rstd and g = dy * weight:  dx = rstd * (g - n * mean(g * n)) + dsum;  d weight = sum over rows of dy * n.
template <typename T, int kVec, int kPacks>
__global__ void __launch_bounds__(kMaxThreads)
    backward_kernel(const T* dy, const T* dsum, const T* x, const T* weight, const float* rstd, T* dx, float* partial, std::int64_t rows, int packs) {
  __shared__ float shared[32];
  const int hidden = packs * kVec;
  float d_weight[kPacks][kVec] = {};
  for (std::int64_t r = blockIdx.x; r < rows; r += gridDim.x) {
    const std::int64_t base = r * hidden;
    const float scale = rstd[r];
    float normal[kPacks][kVec], g[kPacks][kVec];
    float dot = 0.0f;
#pragma unroll
    for (int p = 0; p < kPacks; ++p) {
      const int pack = threadIdx.x + p * blockDim.x;
      if (pack >= packs) break;
      float w[kVec];
      load(x + base + pack * kVec, normal[p]);
      load(dy + base + pack * kVec, g[p]);
      load(weight + pack * kVec, w);
#pragma unroll
      for (int i = 0; i < kVec; ++i) {
        normal[p][i] *= scale;
        d_weight[p][i] += g[p][i] * rounded<T>(normal[p][i]);
        g[p][i] *= w[i];
        dot += g[p][i] * normal[p][i];
      }
    }
    const float mean = block_reduce(dot, 0.0f, shared, Add{}) / static_cast<float>(hidden);
#pragma unroll
    for (int p = 0; p < kPacks; ++p) {
      const int pack = threadIdx.x + p * blockDim.x;
      if (pack >= packs) break;
#pragma unroll
      for (int i = 0; i < kVec; ++i) g[p][i] = scale * (g[p][i] - normal[p][i] * mean);
      if (dsum != nullptr) {
        float add[kVec];
        load(dsum + base + pack * kVec, add);
#pragma unroll
        for (int i = 0; i < kVec; ++i) g[p][i] += add[i];
      }
      store(dx + base + pack * kVec, g[p]);
    }
  }
  if (partial == nullptr) return;
#pragma unroll
  for (int p = 0; p < kPacks; ++p) {
    const int pack = threadIdx.x + p * blockDim.x;
    if (pack >= packs) break;
    store(partial + static_cast<std::int64_t>(blockIdx.x) * hidden + pack * kVec, d_weight[p]);
  }
}

}  // namespace

cudaError_t rms_norm_forward(Element type, const void* x, const void* update, const void* weight, void* sum, void* y, float* rstd, std::int64_t rows,
                             std::int64_t hidden, float eps, cudaStream_t stream) {
  if (rows == 0 || hidden == 0) return cudaSuccess;
  const bool wide = aligned(x) && aligned(update) && aligned(weight) && aligned(sum) && aligned(y);
  return with_type(type, [&](auto tag) {
    using T = decltype(tag);
    return fit_row<T>(hidden, wide, [&]<int kVec, int kPacks>(int packs, int threads) {
      forward_kernel<T, kVec, kPacks><<<static_cast<unsigned>(rows), threads, 0, stream>>>(
          static_cast<const T*>(x), static_cast<const T*>(update), static_cast<const T*>(weight), static_cast<T*>(sum), static_cast<T*>(y), rstd, packs, eps);
      return cudaGetLastError();
    });
  });
}

cudaError_t rms_norm_backward(Element type, const void* dy, const void* dsum, const void* x, const void* weight, const float* rstd, void* dx, float* partial,
                              std::int64_t rows, std::int64_t hidden, cudaStream_t stream) {
  if (rows == 0 || hidden == 0) return cudaSuccess;
  const bool wide = aligned(dy) && aligned(dsum) && aligned(x) && aligned(weight) && aligned(dx) && aligned(partial);
  return with_type(type, [&](auto tag) {
    using T = decltype(tag);
    return fit_row<T>(hidden, wide, [&]<int kVec, int kPacks>(int packs, int threads) {
      backward_kernel<T, kVec, kPacks>
          <<<static_cast<unsigned>(partial_rows(rows)), threads, 0, stream>>>(static_cast<const T*>(dy), static_cast<const T*>(dsum), static_cast<const T*>(x),
                                                                              static_cast<const T*>(weight), rstd, static_cast<T*>(dx), partial, rows, packs);
      return cudaGetLastError();
    });
  });
}

}  // namespace phidias::kernels::cuda
