// SwiGLU: out = up * silu(gate), and both gradients, one pass over memory each.
//
// silu is rounded to the element type before the product, as transformers does in bfloat16.
#include "kernels/cuda/vector.cuh"

namespace phidias::kernels::cuda {
namespace {

constexpr int kThreads = 256;

__device__ __forceinline__ float sigmoid(float x) { return 1.0f / (1.0f + expf(-x)); }

template <typename T, int kVec>
__global__ void forward_kernel(const T* gate_up, T* out, std::int64_t count, int packs) {
  const std::int64_t index = static_cast<std::int64_t>(blockIdx.x) * kThreads + threadIdx.x;
  if (index >= count) return;
  const std::int64_t row = index / packs, width = static_cast<std::int64_t>(packs) * kVec, column = (index - row * packs) * kVec;
  float gate[kVec], up[kVec];
  load(gate_up + row * 2 * width + column, gate);
  load(gate_up + row * 2 * width + width + column, up);
#pragma unroll
  for (int i = 0; i < kVec; ++i) up[i] *= rounded<T>(gate[i] * sigmoid(gate[i]));
  store(out + row * width + column, up);
}

template <typename T, int kVec>
__global__ void backward_kernel(const T* dout, const T* gate_up, T* dgate_up, std::int64_t count, int packs) {
  const std::int64_t index = static_cast<std::int64_t>(blockIdx.x) * kThreads + threadIdx.x;
  if (index >= count) return;
  const std::int64_t row = index / packs, width = static_cast<std::int64_t>(packs) * kVec, column = (index - row * packs) * kVec;
  float gate[kVec], up[kVec], d[kVec];
  load(gate_up + row * 2 * width + column, gate);
  load(gate_up + row * 2 * width + width + column, up);
  load(dout + row * width + column, d);
#pragma unroll
  for (int i = 0; i < kVec; ++i) {
    const float s = sigmoid(gate[i]), silu = gate[i] * s;
    const float d_gate = d[i] * up[i] * (s + silu * (1.0f - s));
    up[i] = d[i] * rounded<T>(silu);
    gate[i] = d_gate;
  }
  store(dgate_up + row * 2 * width + column, gate);
  store(dgate_up + row * 2 * width + width + column, up);
}

template <typename T, typename Launch>
cudaError_t over_packs(std::int64_t rows, std::int64_t width, bool wide, Launch launch) {
  if (rows == 0 || width == 0) return cudaSuccess;
  const bool fits = wide && width % kWide<T> == 0;
  const std::int64_t packs = fits ? width / kWide<T> : width, count = rows * packs;
  const auto blocks = static_cast<unsigned>(divide_up(count, kThreads));
  if (fits)
    launch.template operator()<kWide<T>>(blocks, count, static_cast<int>(packs));
  else
    launch.template operator()<1>(blocks, count, static_cast<int>(packs));
  return cudaGetLastError();
}

}  // namespace

cudaError_t swiglu_forward(Element type, const void* gate_up, void* out, std::int64_t rows, std::int64_t width, cudaStream_t stream) {
  return with_type(type, [&](auto tag) {
    using T = decltype(tag);
    return over_packs<T>(rows, width, aligned(gate_up) && aligned(out), [&]<int kVec>(unsigned blocks, std::int64_t count, int packs) {
      forward_kernel<T, kVec><<<blocks, kThreads, 0, stream>>>(static_cast<const T*>(gate_up), static_cast<T*>(out), count, packs);
    });
  });
}

cudaError_t swiglu_backward(Element type, const void* dout, const void* gate_up, void* dgate_up, std::int64_t rows, std::int64_t width, cudaStream_t stream) {
  return with_type(type, [&](auto tag) {
    using T = decltype(tag);
    return over_packs<T>(rows, width, aligned(gate_up) && aligned(dout) && aligned(dgate_up), [&]<int kVec>(unsigned blocks, std::int64_t count, int packs) {
      backward_kernel<T, kVec>
          <<<blocks, kThreads, 0, stream>>>(static_cast<const T*>(dout), static_cast<const T*>(gate_up), static_cast<T*>(dgate_up), count, packs);
    });
  });
}

}  // namespace phidias::kernels::cuda
