// LayerNorm with weight and bias: a row lives in the registers of one block, as in rms_norm.cu. statistics [rows, 2]: mean, rstd.
#include "kernels/cuda/row_fit.cuh"

namespace phidias::kernels::cuda {
namespace {

template <typename T, int kVec, int kPacks>
__global__ void __launch_bounds__(kMaxThreads)
    forward_kernel(const T* x, const T* update, const T* weight, const T* bias, T* sum, T* y, float* statistics, int packs, float eps) {
  __shared__ float shared[32];
  const std::int64_t base = static_cast<std::int64_t>(blockIdx.x) * packs * kVec;
  const float width = static_cast<float>(packs * kVec);
  float row[kPacks][kVec];
  float total = 0.0f;
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
    for (int i = 0; i < kVec; ++i) total += row[p][i];
  }
  const float mean = block_reduce(total, 0.0f, shared, Add{}) / width;
  float square = 0.0f;
#pragma unroll
  for (int p = 0; p < kPacks; ++p) {
    if (threadIdx.x + p * blockDim.x >= packs) break;
#pragma unroll
    for (int i = 0; i < kVec; ++i) {
      row[p][i] -= mean;
      square += row[p][i] * row[p][i];
    }
  }
  square = block_reduce(square, 0.0f, shared, Add{});
  const float scale = rsqrtf(square / width + eps);
  if (threadIdx.x == 0) {
    statistics[2 * static_cast<std::int64_t>(blockIdx.x)] = mean;
    statistics[2 * static_cast<std::int64_t>(blockIdx.x) + 1] = scale;
  }
#pragma unroll
  for (int p = 0; p < kPacks; ++p) {
    const int pack = threadIdx.x + p * blockDim.x;
    if (pack >= packs) break;
    float w[kVec], b[kVec];
    load(weight + pack * kVec, w);
    load(bias + pack * kVec, b);
#pragma unroll
    for (int i = 0; i < kVec; ++i) row[p][i] = row[p][i] * scale * w[i] + b[i];
    store(y + base + pack * kVec, row[p]);
  }
}

// With n = (x - mean) * rstd and g = dy * weight:  dx = rstd * (g - mean(g) - n * mean(g * n)) + dsum;  d weight = sum over rows of dy * n,
// d bias = sum of dy. partial [blocks, 2, hidden], or null when both are frozen.
template <typename T, int kVec, int kPacks>
__global__ void __launch_bounds__(kMaxThreads)
    backward_kernel(const T* dy, const T* dsum, const T* x, const T* weight, const float* statistics, T* dx, float* partial, std::int64_t rows, int packs) {
  __shared__ float shared[32];
  const int hidden = packs * kVec;
  float d_weight[kPacks][kVec] = {}, d_bias[kPacks][kVec] = {};
  for (std::int64_t r = blockIdx.x; r < rows; r += gridDim.x) {
    const std::int64_t base = r * hidden;
    const float mean = statistics[2 * r], scale = statistics[2 * r + 1];
    float normal[kPacks][kVec], g[kPacks][kVec];
    float total = 0.0f, dot = 0.0f;
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
        normal[p][i] = (normal[p][i] - mean) * scale;
        d_weight[p][i] += g[p][i] * normal[p][i];
        d_bias[p][i] += g[p][i];
        g[p][i] *= w[i];
        total += g[p][i];
        dot += g[p][i] * normal[p][i];
      }
    }
    const float mean_g = block_reduce(total, 0.0f, shared, Add{}) / static_cast<float>(hidden);
    const float mean_gn = block_reduce(dot, 0.0f, shared, Add{}) / static_cast<float>(hidden);
#pragma unroll
    for (int p = 0; p < kPacks; ++p) {
      const int pack = threadIdx.x + p * blockDim.x;
      if (pack >= packs) break;
#pragma unroll
      for (int i = 0; i < kVec; ++i) g[p][i] = scale * (g[p][i] - mean_g - normal[p][i] * mean_gn);
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
  float* const own = partial + static_cast<std::int64_t>(blockIdx.x) * 2 * hidden;
#pragma unroll
  for (int p = 0; p < kPacks; ++p) {
    const int pack = threadIdx.x + p * blockDim.x;
    if (pack >= packs) break;
    store(own + pack * kVec, d_weight[p]);
    store(own + hidden + pack * kVec, d_bias[p]);
  }
}

}  // namespace

cudaError_t layer_norm_forward(Element type, const LayerNormRows& rows, void* sum, void* y, float* statistics, float eps, cudaStream_t stream) {
  if (rows.rows == 0 || rows.hidden == 0) return cudaSuccess;
  const bool wide = aligned(rows.x) && aligned(rows.update) && aligned(rows.weight) && aligned(rows.bias) && aligned(sum) && aligned(y);
  return with_type(type, [&](auto tag) {
    using T = decltype(tag);
    return fit_row<T>(rows.hidden, wide, [&]<int kVec, int kPacks>(int packs, int threads) {
      forward_kernel<T, kVec, kPacks><<<static_cast<unsigned>(rows.rows), threads, 0, stream>>>(
          static_cast<const T*>(rows.x), static_cast<const T*>(rows.update), static_cast<const T*>(rows.weight), static_cast<const T*>(rows.bias),
          static_cast<T*>(sum), static_cast<T*>(y), statistics, packs, eps);
      return cudaGetLastError();
    });
  });
}

cudaError_t layer_norm_backward(Element type, const LayerNormRows& rows, const void* dy, const void* dsum, const float* statistics, void* dx, float* partial,
                                cudaStream_t stream) {
  if (rows.rows == 0 || rows.hidden == 0) return cudaSuccess;
  const bool wide = aligned(dy) && aligned(dsum) && aligned(rows.x) && aligned(rows.weight) && aligned(dx) && aligned(partial);
  return with_type(type, [&](auto tag) {
    using T = decltype(tag);
    return fit_row<T>(rows.hidden, wide, [&]<int kVec, int kPacks>(int packs, int threads) {
      backward_kernel<T, kVec, kPacks><<<static_cast<unsigned>(partial_rows(rows.rows)), threads, 0, stream>>>(
          static_cast<const T*>(dy), static_cast<const T*>(dsum), static_cast<const T*>(rows.x), static_cast<const T*>(rows.weight), statistics,
          static_cast<T*>(dx), partial, rows.rows, packs);
      return cudaGetLastError();
    });
  });
}

}  // namespace phidias::kernels::cuda
