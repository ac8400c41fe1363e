// Phi-3-small's gegelu (kernels/gegelu.h): gate and linear values alternate in a row; one pass over memory each way.
#include "kernels/cuda/vector.cuh"

namespace phidias::kernels::cuda {
namespace {

constexpr int kThreads = 256;
constexpr float kSteepness = 1.702f;

__device__ __forceinline__ float sigmoid(float x) { return 1.0f / (1.0f + expf(-x)); }

// A finite value beyond its bound is replaced; infinities and NaN are not.
__device__ __forceinline__ bool above(float x, float bound) { return x > bound && !isinf(x); }
__device__ __forceinline__ bool below(float x, float bound) { return x < bound && !isinf(x); }

// kPairs pairs (g, l) of one row: kPairs results.
template <typename T, int kPairs>
__global__ void forward_kernel(const T* gate_up, T* out, float limit, std::int64_t count) {
  const std::int64_t index = static_cast<std::int64_t>(blockIdx.x) * kThreads + threadIdx.x;
  if (index >= count) return;
  float pairs[2 * kPairs], y[kPairs];
  load(gate_up + index * 2 * kPairs, pairs);
#pragma unroll
  for (int i = 0; i < kPairs; ++i) {
    const float g = above(pairs[2 * i], limit) ? limit : pairs[2 * i], l0 = pairs[2 * i + 1];
    const float l = above(l0, limit) ? limit : below(l0, -limit) ? -limit : l0;
    y[i] = g * sigmoid(kSteepness * g) * (l + 1.0f);
  }
  store(out + index * kPairs, y);
}

template <typename T, int kPairs>
__global__ void backward_kernel(const T* dout, const T* gate_up, T* dgate_up, float limit, std::int64_t count) {
  const std::int64_t index = static_cast<std::int64_t>(blockIdx.x) * kThreads + threadIdx.x;
  if (index >= count) return;
  float pairs[2 * kPairs], d[kPairs];
  load(gate_up + index * 2 * kPairs, pairs);
  load(dout + index * kPairs, d);
#pragma unroll
  for (int i = 0; i < kPairs; ++i) {
    const float g0 = pairs[2 * i], l0 = pairs[2 * i + 1];
    const bool gate_clamped = above(g0, limit), high = above(l0, limit), low = below(l0, -limit);
    const float g = gate_clamped ? limit : g0, l = high ? limit : low ? -limit : l0;
    const float s = sigmoid(kSteepness * g), gelu = g * s;
    pairs[2 * i] = gate_clamped ? 0.0f : d[i] * (l + 1.0f) * (s + gelu * kSteepness * (1.0f - s));
    pairs[2 * i + 1] = high || low ? 0.0f : d[i] * gelu;
  }
  store(dgate_up + index * 2 * kPairs, pairs);
}

// Rows follow one another without gaps, so that packs may be counted through all of them.
template <typename T, typename Launch>
cudaError_t over_packs(std::int64_t rows, std::int64_t width, bool wide, Launch launch) {
  constexpr int kPairs = kWide<T> / 2;
  const std::int64_t values = rows * width;
  if (values == 0) return cudaSuccess;
  const bool fits = wide && values % kPairs == 0;
  const std::int64_t count = fits ? values / kPairs : values;
  const auto blocks = static_cast<unsigned>(divide_up(count, kThreads));
  if (fits)
    launch.template operator()<kPairs>(blocks, count);
  else
    launch.template operator()<1>(blocks, count);
  return cudaGetLastError();
}

}  // namespace

cudaError_t gegelu_forward(Element type, const void* gate_up, void* out, float limit, std::int64_t rows, std::int64_t width, cudaStream_t stream) {
  return with_type(type, [&](auto tag) {
    using T = decltype(tag);
    return over_packs<T>(rows, width, aligned(gate_up) && aligned(out), [&]<int kPairs>(unsigned blocks, std::int64_t count) {
      forward_kernel<T, kPairs><<<blocks, kThreads, 0, stream>>>(static_cast<const T*>(gate_up), static_cast<T*>(out), limit, count);
    });
  });
}

cudaError_t gegelu_backward(Element type, const void* dout, const void* gate_up, void* dgate_up, float limit, std::int64_t rows, std::int64_t width,
                            cudaStream_t stream) {
  return with_type(type, [&](auto tag) {
    using T = decltype(tag);
    return over_packs<T>(rows, width, aligned(gate_up) && aligned(dout) && aligned(dgate_up), [&]<int kPairs>(unsigned blocks, std::int64_t count) {
      backward_kernel<T, kPairs>
          <<<blocks, kThreads, 0, stream>>>(static_cast<const T*>(dout), static_cast<const T*>(gate_up), static_cast<T*>(dgate_up), limit, count);
    });
  });
}

}  // namespace phidias::kernels::cuda
