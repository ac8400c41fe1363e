// LayerNorm with the residual addition, and its gradient.
#include "kernels/cpu/level.h"

namespace {

template <typename T>
void layer_norm(const void* x_, const void* update_, const void* weight_, const void* bias_, void* sum_, void* y_, float* statistics, int64_t rows,
                int64_t width, float eps, int threads) {
  const T *x = static_cast<const T*>(x_), *update = static_cast<const T*>(update_), *weight = static_cast<const T*>(weight_);
  const T* bias = static_cast<const T*>(bias_);
  T *sum = static_cast<T*>(sum_), *y = static_cast<T*>(y_);
#pragma omp parallel for num_threads(threads) schedule(static)
  for (int64_t r = 0; r < rows; ++r) {
    const T* source = x + r * width;
    if (update != nullptr) {
      const T* added = update + r * width;
      T* total = sum + r * width;
      for_vectors(width, [&](int64_t, auto at, auto put) { put(total, at(source) + at(added)); });
      source = total;
    }
    vf values{}, squares{};
    for_vectors(width, [&](int64_t, auto at, auto) { values += at(source); });
    const float mean = sum_lanes(values) / static_cast<float>(width);
    int64_t column = 0;
    for (; column + kLanes <= width; column += kLanes) {
      const vf v = load(source + column) - mean;
      squares += v * v;
    }
    float total_squares = sum_lanes(squares);
    for (; column < width; ++column) {
      const float v = to_float(source[column]) - mean;
      total_squares += v * v;
    }
    const float scale = 1.0f / __builtin_sqrtf(total_squares / static_cast<float>(width) + eps);
    statistics[2 * r] = mean;
    statistics[2 * r + 1] = scale;
    T* target = y + r * width;
    for_vectors(width, [&](int64_t, auto at, auto put) { put(target, (at(source) - mean) * scale * at(weight) + at(bias)); });
  }
}

// With n = (x - mean) * rstd and g = dy * weight:  dx = rstd * (g - mean(g) - n * mean(g n)) + ds.
template <typename T>
void layer_norm_backward(const void* dy_, const void* ds_, const void* x_, const void* weight_, const float* statistics, void* dx_, float* d_weight,
                         float weight_beta, float* d_bias, float bias_beta, float* partial, int64_t rows, int64_t width, int threads) {
  const T *dy = static_cast<const T*>(dy_), *ds = static_cast<const T*>(ds_), *x = static_cast<const T*>(x_), *weight = static_cast<const T*>(weight_);
  T* dx = static_cast<T*>(dx_);
  const int64_t blocks = (rows + kNormBlock - 1) / kNormBlock;
#pragma omp parallel num_threads(threads)
  {
#pragma omp for schedule(static)
    for (int64_t block = 0; block < blocks; ++block) {
      float *d_w = partial + block * 2 * width, *d_b = d_w + width;
      __builtin_memset(d_w, 0, static_cast<size_t>(2 * width) * sizeof(float));
      const int64_t end = rows < (block + 1) * kNormBlock ? rows : (block + 1) * kNormBlock;
      for (int64_t r = block * kNormBlock; r < end; ++r) {
        const T *incoming = dy + r * width, *v = x + r * width, *passed = ds != nullptr ? ds + r * width : nullptr;
        const float mean = statistics[2 * r], scale = statistics[2 * r + 1];
        vf sums{}, products{};
        for_vectors(width, [&](int64_t, auto at, auto) {
          const vf g = at(incoming) * at(weight);
          sums += g;
          products += g * (at(v) - mean);
        });
        const float mean_g = sum_lanes(sums) / static_cast<float>(width), mean_gn = sum_lanes(products) * scale / static_cast<float>(width);
        T* out = dx + r * width;
        for_vectors(width, [&](int64_t, auto at, auto put) {
          const vf normalised = (at(v) - mean) * scale, d = at(incoming);
          vf total = (d * at(weight) - mean_g - normalised * mean_gn) * scale;
          if (passed != nullptr) total += at(passed);
          put(out, total);
          put(d_w, at(static_cast<const float*>(d_w)) + d * normalised);
          put(d_b, at(static_cast<const float*>(d_b)) + d);
        });
      }
    }
    // Blocks are added in their order, whoever computed them.
#pragma omp for schedule(static)
    for (int64_t column = 0; column < width; column += kLanes) {
      const int64_t count = width - column < kLanes ? width - column : kLanes;
      const auto add_blocks = [&](float* target, float beta, const float* first) {
        if (target == nullptr) return;
        vf total = beta != 0.0f ? load_part(target + column, count) : vf{};
        for (int64_t block = 0; block < blocks; ++block) total += load_part(first + block * 2 * width + column, count);
        store_part(target + column, total, count);
      };
      add_blocks(d_weight, weight_beta, partial);
      add_blocks(d_bias, bias_beta, partial + width);
    }
  }
}

template <typename T>
void fill(TypedKernels& kernels) {
  kernels.layer_norm = layer_norm<T>;
  kernels.layer_norm_backward = layer_norm_backward<T>;
}

}  // namespace

namespace phidias::kernels::cpu::PHIDIAS_LEVEL {

void add_layer_norm(Kernels& kernels) {
  fill<float>(kernels.float32);
  fill<bf16>(kernels.bfloat16);
}

}  // namespace phidias::kernels::cpu::PHIDIAS_LEVEL
