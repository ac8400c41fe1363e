// Packs: kVec consecutive values moved in one instruction, computed on in float32. And sums over a block.
#pragma once

#include <cuda_bf16.h>
#include <cuda_runtime.h>

#include <cstdint>

#include "kernels/cuda/launch.h"

namespace phidias::kernels::cuda {

template <typename T, int kVec>
struct alignas(sizeof(T) * kVec) Pack {
  T values[kVec];
};

// Values of T in 16 bytes.
template <typename T>
inline constexpr int kWide = 16 / static_cast<int>(sizeof(T));

template <typename T>
__device__ __forceinline__ float to_float(T value) {
  return static_cast<float>(value);
}
template <typename T>
__device__ __forceinline__ T from_float(float value);
template <>
__device__ __forceinline__ float from_float<float>(float value) {
  return value;
}
template <>
__device__ __forceinline__ __nv_bfloat16 from_float<__nv_bfloat16>(float value) {
  return __float2bfloat16_rn(value);
}
// The value as memory of type T would hold it.
template <typename T>
__device__ __forceinline__ float rounded(float value) {
  return to_float(from_float<T>(value));
}

template <int kVec, typename T>
__device__ __forceinline__ void load(const T* from, float (&to)[kVec]) {
  const Pack<T, kVec> pack = *reinterpret_cast<const Pack<T, kVec>*>(from);
#pragma unroll
  for (int i = 0; i < kVec; ++i) to[i] = to_float(pack.values[i]);
}

template <int kVec, typename T>
__device__ __forceinline__ void store(T* to, const float (&from)[kVec]) {
  Pack<T, kVec> pack;
#pragma unroll
  for (int i = 0; i < kVec; ++i) pack.values[i] = from_float<T>(from[i]);
  *reinterpret_cast<Pack<T, kVec>*>(to) = pack;
}

struct Add {
  template <typename V>
  __device__ __forceinline__ V operator()(V a, V b) const {
    return a + b;
  }
};
struct Max {
  __device__ __forceinline__ float operator()(float a, float b) const { return fmaxf(a, b); }
};

template <typename V, typename Op>
__device__ __forceinline__ V warp_reduce(V value, Op op) {
#pragma unroll
  for (int distance = 16; distance > 0; distance /= 2) value = op(value, __shfl_xor_sync(0xffffffffu, value, distance));
  return value;
}

// The same result in every thread; blocks of whole warps. Ends with a barrier after the last read of `shared` (32 values), which may be reused.
template <typename V, typename Op>
__device__ __forceinline__ V block_reduce(V value, V neutral, V* shared, Op op) {
  value = warp_reduce(value, op);
  const int warp = threadIdx.x / 32, lane = threadIdx.x % 32, warps = blockDim.x / 32;
  if (lane == 0) shared[warp] = value;
  __syncthreads();
  value = warp_reduce(lane < warps ? shared[lane] : neutral, op);
  __syncthreads();
  return value;
}

// Calls function with a value of the element's type.
template <typename Function>
cudaError_t with_type(Element type, Function function) {
  return type == Element::float32 ? function(float{}) : function(__nv_bfloat16{});
}

inline bool aligned(const void* pointer) { return reinterpret_cast<std::uintptr_t>(pointer) % 16 == 0; }

inline std::int64_t divide_up(std::int64_t value, std::int64_t by) { return (value + by - 1) / by; }

}  // namespace phidias::kernels::cuda
