// Vectors of the width this file is compiled for, and the element types kernels read and write.
//
// The sources of cpu/ are compiled three times (plain, AVX2, AVX-512). Everything here and there has internal linkage and no standard
// library template is used: a shared inline function compiled for AVX-512 could otherwise be picked by the linker for every caller.
#pragma once

#include <stdint.h>

namespace {

#if defined(__AVX512F__)
constexpr int kLanes = 16;
#elif defined(__AVX2__)
constexpr int kLanes = 8;
#else
constexpr int kLanes = 4;
#endif

typedef float vf __attribute__((vector_size(kLanes * 4)));
typedef int32_t vi __attribute__((vector_size(kLanes * 4)));
typedef uint32_t vu __attribute__((vector_size(kLanes * 4)));
typedef uint16_t vh __attribute__((vector_size(kLanes * 2)));

struct bf16 {
  uint16_t bits;
};

inline float to_float(float x) { return x; }
inline float to_float(bf16 x) {
  const uint32_t bits = static_cast<uint32_t>(x.bits) << 16;
  float y;
  __builtin_memcpy(&y, &bits, 4);
  return y;
}
// Rounds to nearest even; a NaN stays one.
inline void from_float(float x, float& y) { y = x; }
inline void from_float(float x, bf16& y) {
  uint32_t bits;
  __builtin_memcpy(&bits, &x, 4);
  y.bits = x != x ? uint16_t{0x7fc0} : static_cast<uint16_t>((bits + 0x7fffu + ((bits >> 16) & 1u)) >> 16);
}

inline vf splat(float x) { return vf{} + x; }
inline vf load(const float* p) {
  vf v;
  __builtin_memcpy(&v, p, sizeof v);
  return v;
}
inline vf load(const bf16* p) {
  vh h;
  __builtin_memcpy(&h, p, sizeof h);
  return (vf)(__builtin_convertvector(h, vu) << 16);
}
inline void store(float* p, vf v) { __builtin_memcpy(p, &v, sizeof v); }
inline void store(bf16* p, vf v) {
  const vu bits = (vu)v;
  const vu rounded = (bits + 0x7fffu + ((bits >> 16) & 1u)) >> 16;
  const vh h = __builtin_convertvector((v != v) ? (vu{} + 0x7fc0u) : rounded, vh);
  __builtin_memcpy(p, &h, sizeof h);
}
// The first n < kLanes elements; the others read as 0.
template <typename T>
inline vf load_part(const T* p, int64_t n) {
  T parts[kLanes] = {};
  for (int64_t i = 0; i < n; ++i) parts[i] = p[i];
  return load(parts);
}
template <typename T>
inline void store_part(T* p, vf v, int64_t n) {
  T parts[kLanes];
  store(parts, v);
  for (int64_t i = 0; i < n; ++i) p[i] = parts[i];
}

// Calls body(offset, loader, storer) over [0, n) in vectors, the last one partial: loader(p) and storer(p, v) act at p + offset.
template <typename Body>
inline void for_vectors(int64_t n, Body body) {
  int64_t i = 0;
  for (; i + kLanes <= n; i += kLanes) body(i, [i](const auto* p) { return load(p + i); }, [i](auto* p, vf v) { store(p + i, v); });
  if (i < n) {
    const int64_t rest = n - i;
    body(i, [=](const auto* p) { return load_part(p + i, rest); }, [=](auto* p, vf v) { store_part(p + i, v, rest); });
  }
}

inline vf maximum(vf a, vf b) { return a > b ? a : b; }

// Horizontal operations go by halves: 16 -> 8 -> 4 lanes, then within four.
typedef float v4 __attribute__((vector_size(16)));
#if defined(__AVX2__)
typedef float v8 __attribute__((vector_size(32)));
inline v4 low_half(v8 v) { return __builtin_shufflevector(v, v, 0, 1, 2, 3); }
inline v4 high_half(v8 v) { return __builtin_shufflevector(v, v, 4, 5, 6, 7); }
#endif
#if defined(__AVX512F__)
inline v8 low_half(vf v) { return __builtin_shufflevector(v, v, 0, 1, 2, 3, 4, 5, 6, 7); }
inline v8 high_half(vf v) { return __builtin_shufflevector(v, v, 8, 9, 10, 11, 12, 13, 14, 15); }
#endif
inline v4 sum_to_four(v4 v) { return v; }
inline v4 max_to_four(v4 v) { return v; }
#if defined(__AVX2__)
inline v4 sum_to_four(v8 v) { return low_half(v) + high_half(v); }
inline v4 max_to_four(v8 v) {
  const v4 a = low_half(v), b = high_half(v);
  return a > b ? a : b;
}
#endif
#if defined(__AVX512F__)
inline v4 sum_to_four(vf v) { return sum_to_four(low_half(v) + high_half(v)); }
inline v4 max_to_four(vf v) {
  const v8 a = low_half(v), b = high_half(v);
  return max_to_four(a > b ? a : b);
}
#endif
inline float sum_lanes(vf v) {
  v4 q = sum_to_four(v);
  q += __builtin_shufflevector(q, q, 2, 3, 0, 1);
  return q[0] + q[1];
}
inline float max_lanes(vf v) {
  const v4 q = max_to_four(v);
  const float a = q[0] > q[1] ? q[0] : q[1], b = q[2] > q[3] ? q[2] : q[3];
  return a > b ? a : b;
}
// The lane sums of four vectors.
inline v4 sum_lanes_of_four(vf a, vf b, vf c, vf d) {
  const v4 a4 = sum_to_four(a), b4 = sum_to_four(b), c4 = sum_to_four(c), d4 = sum_to_four(d);
  const v4 ab = __builtin_shufflevector(a4, b4, 0, 4, 1, 5) + __builtin_shufflevector(a4, b4, 2, 6, 3, 7);
  const v4 cd = __builtin_shufflevector(c4, d4, 0, 4, 1, 5) + __builtin_shufflevector(c4, d4, 2, 6, 3, 7);
  return __builtin_shufflevector(ab, cd, 0, 1, 4, 5) + __builtin_shufflevector(ab, cd, 2, 3, 6, 7);
}

// e^x, relative error below 2e-7 for x in [-87, 88]; saturates outside; NaN stays NaN. Degree-6 polynomial on [-ln 2 / 2, ln 2 / 2].
inline vf exp(vf x) {
  const vf low = splat(-87.0f), high = splat(88.0f);
  const vf clamped = x < low ? low : (x > high ? high : x);
  const vf magic = splat(12582912.0f);  // 1.5 * 2^23: adding it rounds to an integer
  const vf shifted = clamped * 1.44269504f + magic;
  const vf n = shifted - magic;
  const vf r = (clamped - n * 0.693359375f) - n * -2.12194440e-4f;  // ln 2 in two parts, the first exact in few bits
  vf p = splat(1.3888889e-3f);
  p = p * r + 8.3333333e-3f;
  p = p * r + 4.1666667e-2f;
  p = p * r + 1.6666667e-1f;
  p = p * r + 0.5f;
  p = p * r + 1.0f;
  p = p * r + 1.0f;
  const vi exponent = (vi)shifted << 23;  // the integer sits in the low bits of the sum
  return (vf)((vi)p + exponent);
}

}  // namespace
