// RMSNorm with the residual addition, SwiGLU, and the embedding's gradient.
#include "kernels/cpu/level.h"

namespace {

template <typename T>
void rms_norm(const void* x_, const void* update_, const void* weight_, void* sum_, void* y_, float* rstd, int64_t rows, int64_t width, float eps,
              int threads) {
  const T *x = static_cast<const T*>(x_), *update = static_cast<const T*>(update_), *weight = static_cast<const T*>(weight_);
  T *sum = static_cast<T*>(sum_), *y = static_cast<T*>(y_);
#pragma omp parallel for num_threads(threads) schedule(static)
  for (int64_t r = 0; r < rows; ++r) {
    const T* source = x + r * width;
    vf squares{};
    if (update != nullptr) {
      const T* added = update + r * width;
      T* total = sum + r * width;
      for_vectors(width, [&](int64_t, auto at, auto put) { put(total, at(source) + at(added)); });
      source = total;
    }
    for_vectors(width, [&](int64_t, auto at, auto) {
      const vf v = at(source);
      squares += v * v;
    });
    const float scale = 1.0f / __builtin_sqrtf(sum_lanes(squares) / static_cast<float>(width) + eps);
    rstd[r] = scale;
    T* target = y + r * width;
    // The normalised value is rounded to T before the weight multiplies it, as the reference does.
    for_vectors(width, [&](int64_t, auto at, auto put) {
      T rounded[kLanes];
      store(rounded, at(source) * scale);
      put(target, load(rounded) * at(weight));
    });
  }
}

template <typename T>
void rms_norm_backward(const void* dy_, const void* ds_, const void* x_, const void* weight_, const float* rstd, void* dx_, float* d_weight, float beta,
                       float* partial, int64_t rows, int64_t width, int threads) {
  const T *dy = static_cast<const T*>(dy_), *ds = static_cast<const T*>(ds_), *x = static_cast<const T*>(x_), *weight = static_cast<const T*>(weight_);
  T* dx = static_cast<T*>(dx_);
  const int64_t blocks = (rows + kNormBlock - 1) / kNormBlock;
#pragma omp parallel num_threads(threads)
  {
#pragma omp for schedule(static)
    for (int64_t block = 0; block < blocks; ++block) {
      float* d_w = partial + block * width;
      if (d_weight != nullptr) __builtin_memset(d_w, 0, static_cast<size_t>(width) * sizeof(float));
      const int64_t end = rows < (block + 1) * kNormBlock ? rows : (block + 1) * kNormBlock;
      for (int64_t r = block * kNormBlock; r < end; ++r) {
        const T *g = dy + r * width, *v = x + r * width, *passed = ds != nullptr ? ds + r * width : nullptr;
        vf products{};
        for_vectors(width, [&](int64_t, auto at, auto) { products += at(g) * at(weight) * at(v); });
        const float scale = rstd[r], mean = sum_lanes(products) * scale / static_cast<float>(width);
        T* out = dx + r * width;
        for_vectors(width, [&](int64_t, auto at, auto put) {
          const vf normalised = at(v) * scale, incoming = at(g);
          vf d = (incoming * at(weight) - normalised * mean) * scale;
          if (passed != nullptr) d += at(passed);
          put(out, d);
          if (d_weight != nullptr) put(d_w, at(static_cast<const float*>(d_w)) + incoming * normalised);
        });
      }
    }
    // Blocks are added in their order, whoever computed them.
    if (d_weight != nullptr) {
#pragma omp for schedule(static)
      for (int64_t column = 0; column < width; column += kLanes) {
        const int64_t count = width - column < kLanes ? width - column : kLanes;
        vf total = beta != 0.0f ? load_part(d_weight + column, count) : vf{};
        for (int64_t block = 0; block < blocks; ++block) total += load_part(partial + block * width + column, count);
        store_part(d_weight + column, total, count);
      }
    }
  }
}

inline vf sigmoid(vf x) { return 1.0f / (1.0f + exp(-x)); }

template <typename T>
void swiglu(const void* gate_up_, void* y_, int64_t rows, int64_t width, int threads) {
  const T* gate_up = static_cast<const T*>(gate_up_);
  T* y = static_cast<T*>(y_);
#pragma omp parallel for num_threads(threads) schedule(static)
  for (int64_t r = 0; r < rows; ++r) {
    const T *gate = gate_up + r * 2 * width, *up = gate + width;
    T* target = y + r * width;
    for_vectors(width, [&](int64_t, auto at, auto put) {
      const vf g = at(gate);
      put(target, g * sigmoid(g) * at(up));
    });
  }
}

template <typename T>
void swiglu_backward(const void* dy_, const void* gate_up_, void* d_gate_up_, int64_t rows, int64_t width, int threads) {
  const T *dy = static_cast<const T*>(dy_), *gate_up = static_cast<const T*>(gate_up_);
  T* d_gate_up = static_cast<T*>(d_gate_up_);
#pragma omp parallel for num_threads(threads) schedule(static)
  for (int64_t r = 0; r < rows; ++r) {
    const T *gate = gate_up + r * 2 * width, *up = gate + width, *incoming = dy + r * width;
    T *d_gate = d_gate_up + r * 2 * width, *d_up = d_gate + width;
    for_vectors(width, [&](int64_t, auto at, auto put) {
      const vf g = at(gate), d = at(incoming), s = sigmoid(g), silu = g * s;
      put(d_gate, d * at(up) * (s + silu * (1.0f - s)));
      put(d_up, d * silu);
    });
  }
}

// Columns are divided among threads: every thread adds the rows in stream order.
template <typename T>
void embedding_backward(const void* dy_, const int64_t* tokens, int64_t ignored_id, float* table, float beta, int64_t rows, int64_t ids, int64_t width,
                        int threads) {
  const T* dy = static_cast<const T*>(dy_);
  constexpr int64_t kColumns = 64;
#pragma omp parallel num_threads(threads)
  {
    if (beta == 0.0f) {
#pragma omp for schedule(static)
      for (int64_t id = 0; id < ids; ++id) __builtin_memset(table + id * width, 0, static_cast<size_t>(width) * sizeof(float));
    }
#pragma omp for schedule(static)
    for (int64_t column = 0; column < width; column += kColumns) {
      const int64_t count = width - column < kColumns ? width - column : kColumns;
      for (int64_t r = 0; r < rows; ++r) {
        if (tokens[r] == ignored_id) continue;
        const T* source = dy + r * width + column;
        float* target = table + tokens[r] * width + column;
        for_vectors(count, [&](int64_t, auto at, auto put) { put(target, at(static_cast<const float*>(target)) + at(source)); });
      }
    }
  }
}

template <typename T>
void fill(TypedKernels& kernels) {
  kernels.rms_norm = rms_norm<T>;
  kernels.rms_norm_backward = rms_norm_backward<T>;
  kernels.swiglu = swiglu<T>;
  kernels.swiglu_backward = swiglu_backward<T>;
  kernels.embedding_backward = embedding_backward<T>;
}

}  // namespace

namespace phidias::kernels::cpu::PHIDIAS_LEVEL {

void add_elementwise(Kernels& kernels) {
  fill<float>(kernels.float32);
  fill<bf16>(kernels.bfloat16);
}

}  // namespace phidias::kernels::cpu::PHIDIAS_LEVEL
