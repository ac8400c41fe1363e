// Sums over rows in two fixed-order passes: blocks of rows, then the blocks. Bias gradients, and the second pass of the norm's weight gradient.
#include "kernels/cuda/vector.cuh"

namespace phidias::kernels::cuda {
namespace {

constexpr std::int64_t kPartialRows = 528;  // four blocks for each of an H200's 132 multiprocessors
constexpr int kColumns = 32, kGroups = 8;

// Block (c, p) adds rows p, p + gridDim.y, ... of 256 columns.
template <typename T>
__global__ void rows_kernel(const T* in, std::int64_t rows, std::int64_t columns, float* partial) {
  const std::int64_t column = static_cast<std::int64_t>(blockIdx.x) * blockDim.x + threadIdx.x;
  if (column >= columns) return;
  float sum = 0.0f;
  for (std::int64_t r = blockIdx.y; r < rows; r += gridDim.y) sum += to_float(in[r * columns + column]);
  partial[blockIdx.y * columns + column] = sum;
}

// 32 columns per block; eight groups of threads take every eighth row, then the groups are added in order.
__global__ void blocks_kernel(const float* partial, std::int64_t rows, std::int64_t columns, float* out, float beta) {
  __shared__ float sums[kGroups][kColumns];
  const std::int64_t column = static_cast<std::int64_t>(blockIdx.x) * kColumns + threadIdx.x;
  float sum = 0.0f;
  if (column < columns) {
    for (std::int64_t r = threadIdx.y; r < rows; r += kGroups) sum += partial[r * columns + column];
  }
  sums[threadIdx.y][threadIdx.x] = sum;
  __syncthreads();
  if (threadIdx.y != 0 || column >= columns) return;
  float total = 0.0f;
#pragma unroll
  for (int g = 0; g < kGroups; ++g) total += sums[g][threadIdx.x];
  out[column] = beta == 0.0f ? total : beta * out[column] + total;  // beta 0 must not read what was there (it may be NaN)
}

}  // namespace

std::int64_t partial_rows(std::int64_t rows) { return rows < kPartialRows ? rows : kPartialRows; }

cudaError_t column_sum(Element type, const void* in, std::int64_t rows, std::int64_t columns, float* partial, float* out, float beta, cudaStream_t stream) {
  if (columns == 0) return cudaSuccess;
  const float* summands = static_cast<const float*>(in);
  std::int64_t summand_rows = rows;
  if (type != Element::float32 || rows > kPartialRows) {
    summands = partial;
    summand_rows = partial_rows(rows);
    if (rows > 0) {
      const dim3 grid(static_cast<unsigned>(divide_up(columns, 256)), static_cast<unsigned>(summand_rows));
      const cudaError_t error = with_type(type, [&](auto tag) {
        using T = decltype(tag);
        rows_kernel<T><<<grid, 256, 0, stream>>>(static_cast<const T*>(in), rows, columns, partial);
        return cudaGetLastError();
      });
      if (error != cudaSuccess) return error;
    }
  }
  blocks_kernel<<<static_cast<unsigned>(divide_up(columns, kColumns)), dim3(kColumns, kGroups), 0, stream>>>(summands, summand_rows, columns, out, beta);
  return cudaGetLastError();
}

}  // namespace phidias::kernels::cuda
