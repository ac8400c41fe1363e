// Dropout and jitter: each element times a factor drawn for it.
#include "kernels/cpu/level.h"
#include "kernels/cpu/philox.h"

namespace {

template <typename T>
void drawn_factor(const void* x_, const int64_t* draw_keys, const DrawnFactor& factor, void* y_, int64_t rows, int64_t width, int threads) {
  const T* x = static_cast<const T*>(x_);
  T* y = static_cast<T*>(y_);
  constexpr int64_t kElements = 4 * kLanes;  // of one call of draw_blocks
#pragma omp parallel for num_threads(threads) schedule(static)
  for (int64_t r = 0; r < rows; ++r) {
    const T* source = x + r * width;
    T* target = y + r * width;
    for (int64_t begin = 0; begin < width; begin += kElements) {
      DrawnBlocks blocks;
      draw_blocks(static_cast<uint64_t>(draw_keys[r]), factor.site, static_cast<uint32_t>(begin / 4), blocks);
      float factors[kElements];
      for (int l = 0; l < kLanes; ++l) {
        for (int w = 0; w < 4; ++w) {
          const float u = open_uniform(blocks.words[w][l]);
          factors[4 * l + w] = u >= factor.drop ? factor.base + factor.span * u : 0.0f;
        }
      }
      const int64_t count = width - begin < kElements ? width - begin : kElements;
      for_vectors(count, [&](int64_t, auto at, auto put) { put(target + begin, at(source + begin) * at(static_cast<const float*>(factors))); });
    }
  }
}

}  // namespace

namespace phidias::kernels::cpu::PHIDIAS_LEVEL {

void add_draws(Kernels& kernels) {
  kernels.float32.drawn_factor = drawn_factor<float>;
  kernels.bfloat16.drawn_factor = drawn_factor<bf16>;
}

}  // namespace phidias::kernels::cpu::PHIDIAS_LEVEL
