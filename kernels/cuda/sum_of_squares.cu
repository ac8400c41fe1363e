// Sum of squares in double over a fixed grid: the order of additions depends on the count alone.
#include "kernels/cuda/vector.cuh"

namespace phidias::kernels::cuda {
namespace {

constexpr int kThreads = 256;

__global__ void blocks_kernel(const float* values, std::int64_t count, double* partial) {
  __shared__ double shared[32];
  double sum = 0.0;
  const std::int64_t stride = static_cast<std::int64_t>(gridDim.x) * kThreads;
#pragma unroll 8
  for (std::int64_t i = static_cast<std::int64_t>(blockIdx.x) * kThreads + threadIdx.x; i < count; i += stride) {
    const double value = values[i];
    sum += value * value;
  }
  sum = block_reduce(sum, 0.0, shared, Add{});
  if (threadIdx.x == 0) partial[blockIdx.x] = sum;
}

__global__ void total_kernel(const double* partial, int count, double* result) {
  __shared__ double shared[32];
  double sum = 0.0;
  for (int i = threadIdx.x; i < count; i += kThreads) sum += partial[i];
  sum = block_reduce(sum, 0.0, shared, Add{});
  if (threadIdx.x == 0) *result = sum;
}

}  // namespace

cudaError_t sum_of_squares(const float* values, std::int64_t count, double* partial, double* result, cudaStream_t stream) {
  blocks_kernel<<<kSumOfSquaresBlocks, kThreads, 0, stream>>>(values, count, partial);
  total_kernel<<<1, kThreads, 0, stream>>>(partial, kSumOfSquaresBlocks, result);
  return cudaGetLastError();
}

}  // namespace phidias::kernels::cuda
