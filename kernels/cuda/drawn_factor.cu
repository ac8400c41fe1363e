// Dropout and jitter: each element times a factor drawn for it; a thread handles the four elements of one Philox block.
#include "kernels/cuda/philox.cuh"
#include "kernels/cuda/vector.cuh"

namespace phidias::kernels::cuda {
namespace {

constexpr int kThreads = 256;

template <typename T>
__global__ void kernel(const T* x, const std::int64_t* draw_keys, DrawnFactorArguments factor, T* y, std::int64_t blocks, std::int64_t blocks_per_row,
                       std::int64_t width) {
  const std::int64_t index = static_cast<std::int64_t>(blockIdx.x) * kThreads + threadIdx.x;
  if (index >= blocks) return;
  const std::int64_t row = index / blocks_per_row, column = 4 * (index - row * blocks_per_row);
  const uint4 words = draw_block(static_cast<std::uint64_t>(draw_keys[row]), factor.site, static_cast<std::uint32_t>(column / 4));
#pragma unroll
  for (int w = 0; w < 4; ++w) {
    if (column + w >= width) break;
    const float u = open_uniform(word_of(words, w)), scale = u >= factor.drop ? factor.base + factor.span * u : 0.0f;
    y[row * width + column + w] = from_float<T>(to_float(x[row * width + column + w]) * scale);
  }
}

}  // namespace

cudaError_t drawn_factor(Element type, const void* x, const std::int64_t* draw_keys, const DrawnFactorArguments& factor, void* y, std::int64_t rows,
                         std::int64_t width, cudaStream_t stream) {
  if (rows == 0 || width == 0) return cudaSuccess;
  const std::int64_t blocks_per_row = divide_up(width, 4), blocks = rows * blocks_per_row;
  return with_type(type, [&](auto tag) {
    using T = decltype(tag);
    kernel<T><<<static_cast<unsigned>(divide_up(blocks, kThreads)), kThreads, 0, stream>>>(static_cast<const T*>(x), draw_keys, factor, static_cast<T*>(y),
                                                                                           blocks, blocks_per_row, width);
    return cudaGetLastError();
  });
}

}  // namespace phidias::kernels::cuda
