// Phi-3-small's gegelu (kernels/gegelu.h). Gate and linear values alternate in a row: they are parted into one vector each.
#include "kernels/cpu/level.h"

namespace {

constexpr float kSteepness = 1.702f;

struct Pair {
  vf gate, linear;
};

// The first n <= kLanes pairs; the others read as 0. The compiler turns the loops over whole vectors into shuffles.
template <typename T>
inline Pair load_pairs(const T* from, int64_t n) {
  float gate[kLanes] = {}, linear[kLanes] = {};
  for (int64_t i = 0; i < n; ++i) {
    gate[i] = to_float(from[2 * i]);
    linear[i] = to_float(from[2 * i + 1]);
  }
  return {load(gate), load(linear)};
}
template <typename T>
inline void store_pairs(T* to, Pair values, int64_t n) {
  T gate[kLanes], linear[kLanes];
  store(gate, values.gate);
  store(linear, values.linear);
  for (int64_t i = 0; i < n; ++i) {
    to[2 * i] = gate[i];
    to[2 * i + 1] = linear[i];
  }
}

// Calls body(offset, n) over [0, width) in vectors of n values, the last one partial.
template <typename Body>
inline void for_lanes(int64_t width, Body body) {
  int64_t i = 0;
  for (; i + kLanes <= width; i += kLanes) body(i, static_cast<int64_t>(kLanes));
  if (i < width) body(i, width - i);
}

inline vf sigmoid(vf x) { return 1.0f / (1.0f + exp(-x)); }

// Lanes where the value is replaced by a bound: finite and beyond it. NaN is not.
inline vi above(vf x, float bound) { return (x > bound) & (x != __builtin_inff()); }
inline vi below(vf x, float bound) { return (x < bound) & (x != -__builtin_inff()); }

template <typename T>
void gegelu(const void* gate_up_, void* y_, float limit, int64_t rows, int64_t width, int threads) {
  const T* gate_up = static_cast<const T*>(gate_up_);
  T* y = static_cast<T*>(y_);
#pragma omp parallel for num_threads(threads) schedule(static)
  for (int64_t r = 0; r < rows; ++r) {
    const T* source = gate_up + r * 2 * width;
    T* target = y + r * width;
    for_lanes(width, [&](int64_t i, int64_t n) {
      const auto [g0, l0] = load_pairs(source + 2 * i, n);
      const vf g = above(g0, limit) ? splat(limit) : g0;
      const vf l = above(l0, limit) ? splat(limit) : (below(l0, -limit) ? splat(-limit) : l0);
      store_part(target + i, g * sigmoid(g * kSteepness) * (l + 1.0f), n);
    });
  }
}

template <typename T>
void gegelu_backward(const void* dy_, const void* gate_up_, void* d_gate_up_, float limit, int64_t rows, int64_t width, int threads) {
  const T *dy = static_cast<const T*>(dy_), *gate_up = static_cast<const T*>(gate_up_);
  T* d_gate_up = static_cast<T*>(d_gate_up_);
#pragma omp parallel for num_threads(threads) schedule(static)
  for (int64_t r = 0; r < rows; ++r) {
    const T *source = gate_up + r * 2 * width, *incoming = dy + r * width;
    T* target = d_gate_up + r * 2 * width;
    for_lanes(width, [&](int64_t i, int64_t n) {
      const auto [g0, l0] = load_pairs(source + 2 * i, n);
      const vi gate_clamped = above(g0, limit), high = above(l0, limit), low = below(l0, -limit);
      const vf g = gate_clamped ? splat(limit) : g0, l = high ? splat(limit) : (low ? splat(-limit) : l0);
      const vf d = load_part(incoming + i, n), s = sigmoid(g * kSteepness), gelu = g * s;
      const vf d_gate = d * (l + 1.0f) * (s + gelu * kSteepness * (1.0f - s));
      store_pairs(target + 2 * i, {gate_clamped ? vf{} : d_gate, (high | low) ? vf{} : d * gelu}, n);
    });
  }
}

template <typename T>
void fill(TypedKernels& kernels) {
  kernels.gegelu = gegelu<T>;
  kernels.gegelu_backward = gegelu_backward<T>;
}

}  // namespace

namespace phidias::kernels::cpu::PHIDIAS_LEVEL {

void add_gegelu(Kernels& kernels) {
  fill<float>(kernels.float32);
  fill<bf16>(kernels.bfloat16);
}

}  // namespace phidias::kernels::cpu::PHIDIAS_LEVEL
