// The parts of expert_mlp.h that are no matrix products: rows to experts and back, SwiGLU's gradient with the rows' weights, a task queue.
#include "kernels/cpu/level.h"

namespace {

template <typename T>
void gather_rows(const void* x_, const int64_t* pairs, int64_t choices, void* out_, int64_t rows, int64_t width, int threads) {
  const T* x = static_cast<const T*>(x_);
  T* out = static_cast<T*>(out_);
#pragma omp parallel for num_threads(threads) schedule(static)
  for (int64_t r = 0; r < rows; ++r) __builtin_memcpy(out + r * width, x + pairs[r] / choices * width, static_cast<size_t>(width) * sizeof(T));
}

template <typename T>
void combine_rows(const void* rows_, const int64_t* places, int64_t choices, const float* weights, void* y_, int64_t tokens, int64_t width, int threads) {
  const T* rows = static_cast<const T*>(rows_);
  T* y = static_cast<T*>(y_);
#pragma omp parallel for num_threads(threads) schedule(static)
  for (int64_t t = 0; t < tokens; ++t) {
    const int64_t* place = places + t * choices;
    T* target = y + t * width;
    for_vectors(width, [&](int64_t, auto at, auto put) {
      vf sum{};
      for (int64_t s = 0; s < choices; ++s) sum += at(rows + place[s] * width) * (weights != nullptr ? weights[t * choices + s] : 1.0f);
      put(target, sum);
    });
  }
}

template <typename T>
void weighted_swiglu_backward(void* d_, const void* gate_up_, const float* weights, void* d_gate_up_, float* d_weights, int64_t rows, int64_t width,
                              int threads) {
  T *d = static_cast<T*>(d_), *d_gate_up = static_cast<T*>(d_gate_up_);
  const T* gate_up = static_cast<const T*>(gate_up_);
#pragma omp parallel for num_threads(threads) schedule(static)
  for (int64_t r = 0; r < rows; ++r) {
    const T *gate = gate_up + r * 2 * width, *up = gate + width;
    T *d_gate = d_gate_up + r * 2 * width, *d_up = d_gate + width, *incoming = d + r * width;
    const float weight = weights[r];
    vf product{};
    for_vectors(width, [&](int64_t, auto at, auto put) {
      const vf g = at(gate), u = at(up), dh = at(static_cast<const T*>(incoming)), s = 1.0f / (1.0f + exp(-g)), silu = g * s, h = silu * u;
      product += dh * h;
      const vf weighted = dh * weight;
      put(d_gate, weighted * u * (s + silu * (1.0f - s)));
      put(d_up, weighted * silu);
      put(incoming, h * weight);
    });
    d_weights[r] = sum_lanes(product);
  }
}

void run_tasks(void (*body)(void* context, int64_t task), void* context, int64_t tasks, int threads) {
#pragma omp parallel for num_threads(threads) schedule(dynamic, 1)
  for (int64_t task = 0; task < tasks; ++task) body(context, task);
}

template <typename T>
void fill(TypedKernels& kernels) {
  kernels.gather_rows = gather_rows<T>;
  kernels.combine_rows = combine_rows<T>;
  kernels.weighted_swiglu_backward = weighted_swiglu_backward<T>;
}

}  // namespace

namespace phidias::kernels::cpu::PHIDIAS_LEVEL {

void add_experts(Kernels& kernels) {
  fill<float>(kernels.float32);
  fill<bf16>(kernels.bfloat16);
  kernels.run_tasks = run_tasks;
}

}  // namespace phidias::kernels::cpu::PHIDIAS_LEVEL
