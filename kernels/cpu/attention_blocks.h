// What forward and backward attention share: block products, rotation, and the layout of a thread's scratch memory.
#pragma once

#include "kernels/cpu/level.h"
#include "kernels/cpu/visible_keys.h"

// MKL's single-precision product as libtorch_cpu exports it (column-major). Inside a parallel region a call runs on its own thread.
extern "C" void sgemm_(const char* transpose_a, const char* transpose_b, const int* m, const int* n, const int* k, const float* alpha, const float* a,
                       const int* lda, const float* b, const int* ldb, const float* beta, float* c, const int* ldc);

namespace {

// Row-major views of float matrices.
struct Matrix {
  const float* data;
  int64_t stride;
};

inline void product(char transpose_a, char transpose_b, int64_t m, int64_t n, int64_t k, const float* a, int64_t lda, const float* b, int64_t ldb, float beta,
                    float* c, int64_t ldc) {
  const int m_ = static_cast<int>(m), n_ = static_cast<int>(n), k_ = static_cast<int>(k), lda_ = static_cast<int>(lda), ldb_ = static_cast<int>(ldb),
            ldc_ = static_cast<int>(ldc);
  const float one = 1.0f;
  sgemm_(&transpose_a, &transpose_b, &m_, &n_, &k_, &one, a, &lda_, b, &ldb_, &beta, c, &ldc_);
}
// c [rows, columns] = a [rows, inner] b [columns, inner]^T
inline void product_abt(Matrix a, Matrix b, float* c, int64_t stride, int64_t rows, int64_t columns, int64_t inner) {
  product('T', 'N', columns, rows, inner, b.data, b.stride, a.data, a.stride, 0.0f, c, stride);
}
// c [rows, columns] = beta c + a [rows, inner] b [inner, columns]
inline void product_ab(Matrix a, Matrix b, float beta, float* c, int64_t stride, int64_t rows, int64_t columns, int64_t inner) {
  product('N', 'N', columns, rows, inner, b.data, b.stride, a.data, a.stride, beta, c, stride);
}
// c [rows, columns] += a [inner, rows]^T b [inner, columns]
inline void add_product_atb(Matrix a, Matrix b, float* c, int64_t stride, int64_t rows, int64_t columns, int64_t inner) {
  product('N', 'T', columns, rows, inner, b.data, b.stride, a.data, a.stride, 1.0f, c, stride);
}

inline int64_t smaller(int64_t a, int64_t b) { return a < b ? a : b; }
inline int64_t larger(int64_t a, int64_t b) { return a > b ? a : b; }

// Where the heads of one fused-projection row begin (QkvLayout).
class Layout {
 public:
  Layout(int64_t heads, int64_t kv_heads, int64_t head_dim, bool grouped)
      : row((heads + 2 * kv_heads) * head_dim),
        out(heads * head_dim),
        group_(heads / kv_heads),
        d_(head_dim),
        grouped_(grouped),
        keys_(heads),
        values_(heads + kv_heads) {}
  int64_t query(int64_t head) const { return (grouped_ ? head + head / group_ * 2 : head) * d_; }
  int64_t key(int64_t kv_head) const { return (grouped_ ? kv_head * (group_ + 2) + group_ : keys_ + kv_head) * d_; }
  int64_t value(int64_t kv_head) const { return (grouped_ ? kv_head * (group_ + 2) + group_ + 1 : values_ + kv_head) * d_; }

  const int64_t row, out;  // elements of a row of qkv and of the output

 private:
  const int64_t group_, d_;
  const bool grouped_;
  const int64_t keys_, values_;
};
inline Layout layout_of(const AttentionProblem& p) { return {p.heads, p.kv_heads, p.head_dim, p.grouped}; }

// target [head_dim] = rotated source * scale.
template <typename T>
inline void rotate_row(const T* source, const float* cos, const float* sin, int64_t half, int64_t head_dim, float scale, float* target) {
  for_vectors(half, [&](int64_t, auto at, auto put) {
    const vf first = at(source) * scale, second = at(source + half) * scale, c = at(cos), s = at(sin);
    put(target, first * c - second * s);
    put(target + half, second * c + first * s);
  });
  const T* rest = source + 2 * half;
  float* rest_target = target + 2 * half;
  for_vectors(head_dim - 2 * half, [&](int64_t, auto at, auto put) { put(rest_target, at(rest) * scale); });
}
// The transposed rotation: gradients of rotated rows to gradients of what came in.
template <typename T>
inline void rotate_row_back(const float* source, const float* cos, const float* sin, int64_t half, int64_t head_dim, float scale, T* target) {
  for_vectors(half, [&](int64_t, auto at, auto put) {
    const vf first = at(source) * scale, second = at(source + half) * scale, c = at(cos), s = at(sin);
    put(target, first * c + second * s);
    put(target + half, second * c - first * s);
  });
  const float* rest = source + 2 * half;
  T* rest_target = target + 2 * half;
  for_vectors(head_dim - 2 * half, [&](int64_t, auto at, auto put) { put(rest_target, at(rest) * scale); });
}

// Rows [first, last) of one head, strided by `stride`, rotated and scaled into a dense [rows, head_dim] buffer.
template <typename T>
inline void rotate_rows(const AttentionProblem& p, const T* head, int64_t stride, int64_t first, int64_t last, float scale, float* target) {
  for (int64_t t = first; t < last; ++t)
    rotate_row(head + t * stride, p.cos + t * p.rotary_half, p.sin + t * p.rotary_half, p.rotary_half, p.head_dim, scale, target + (t - first) * p.head_dim);
}
// Rows of one head as floats: in place when they are floats already, else converted into `buffer`.
inline Matrix float_rows(const float* head, int64_t stride, int64_t first, int64_t, int64_t, float*) { return {head + first * stride, stride}; }
inline Matrix float_rows(const bf16* head, int64_t stride, int64_t first, int64_t last, int64_t head_dim, float* buffer) {
  for (int64_t t = first; t < last; ++t) {
    const bf16* source = head + t * stride;
    float* target = buffer + (t - first) * head_dim;
    for_vectors(head_dim, [&](int64_t, auto at, auto put) { put(target, at(source)); });
  }
  return {buffer, head_dim};
}

}  // namespace
