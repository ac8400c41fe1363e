// Generation: attention of one new token per sequence against its cache, and the product of a few rows with a weight matrix that is
// streamed once from memory (a general matrix product at 8 rows runs at half of memory bandwidth).
#include "kernels/cpu/level.h"

#include "kernels/cpu/attention_blocks.h"

namespace {

template <typename T>
inline float dot(const float* a, const T* b, int64_t n) {
  vf total{};
  for_vectors(n, [&](int64_t, auto at, auto) { total += at(a) * at(b); });
  return sum_lanes(total);
}

template <typename T>
void decode_head(const DecodeProblem& p, int64_t sequence, int64_t kv_head, float* scratch) {
  const int64_t d = p.head_dim, group = p.heads / p.kv_heads, length = p.lengths[sequence];
  const T* row = static_cast<const T*>(p.qkv) + sequence * (p.heads + 2 * p.kv_heads) * d;
  const float *cos = p.cos + sequence * p.rotary_half, *sin = p.sin + sequence * p.rotary_half;
  const int64_t cache_offset = (p.slots[sequence] * p.kv_heads + kv_head) * p.capacity * d;
  T *keys = static_cast<T*>(p.keys) + cache_offset, *values = static_cast<T*>(p.values) + cache_offset;
  float *query = scratch, *output = query + d, *scores = output + d;

  rotate_row(row + (p.heads + kv_head) * d, cos, sin, p.rotary_half, d, 1.0f, query);
  T *new_key = keys + length * d, *new_value = values + length * d;
  const T* value = row + (p.heads + p.kv_heads + kv_head) * d;
  for_vectors(d, [&](int64_t, auto at, auto put) { put(new_key, at(static_cast<const float*>(query))); put(new_value, at(value)); });

  const int64_t first = first_key(length, p.window), count = length + 1 - first;
  for (int64_t head = kv_head * group; head < (kv_head + 1) * group; ++head) {
    rotate_row(row + head * d, cos, sin, p.rotary_half, d, p.scale, query);
    float highest = -1e30f;
    for (int64_t j = 0; j < count; ++j) {
      scores[j] = dot(query, static_cast<const T*>(keys) + (first + j) * d, d);
      highest = scores[j] > highest ? scores[j] : highest;
    }
    vf sums{};
    for_vectors(count, [&](int64_t offset, auto at, auto put) {
      vf e = exp(at(static_cast<const float*>(scores)) - highest);
      for (int64_t lane = count - offset; lane < kLanes; ++lane) e[lane] = 0.0f;
      put(scores, e);
      sums += e;
    });
    const float inverse = 1.0f / sum_lanes(sums);
    __builtin_memset(output, 0, static_cast<size_t>(d) * sizeof(float));
    for (int64_t j = 0; j < count; ++j) {
      const T* v = values + (first + j) * d;
      const float weight = scores[j] * inverse;
      for_vectors(d, [&](int64_t, auto at, auto put) { put(output, at(static_cast<const float*>(output)) + at(v) * weight); });
    }
    T* target = static_cast<T*>(p.out) + (sequence * p.heads + head) * d;
    for_vectors(d, [&](int64_t, auto at, auto put) { put(target, at(static_cast<const float*>(output))); });
  }
}

template <typename T>
void decode_attention(const DecodeProblem& p) {
#pragma omp parallel for num_threads(p.threads) schedule(static)
  for (int64_t task = 0; task < p.sequences * p.kv_heads; ++task)
    decode_head<T>(p, task / p.kv_heads, task % p.kv_heads, p.scratch + omp_get_thread_num() * p.scratch_stride);
}

// kRows rows of x against kOuts consecutive rows of the weight; sums [kRows, kOuts].
template <typename T, int kRows, int kOuts>
inline void tile(const float* x, const T* weight, int64_t in, float* sums) {
  vf total[kRows][kOuts] = {};
  const int64_t whole = in / kLanes * kLanes;
  // Hardware does not look ahead across pages: fetch the same place some tiles further, a page away at least.
  constexpr int64_t kPage = 4096 / sizeof(T);
  const int64_t ahead = (kPage + kOuts * in - 1) / (kOuts * in) * kOuts * in;
  for (int64_t k = 0; k < whole; k += kLanes) {
    vf w[kOuts];
#pragma GCC unroll 8
    for (int o = 0; o < kOuts; ++o) {
      w[o] = load(weight + o * in + k);
      __builtin_prefetch(weight + o * in + k + ahead);
    }
#pragma GCC unroll 8
    for (int r = 0; r < kRows; ++r) {
      const vf v = load(x + r * in + k);
#pragma GCC unroll 8
      for (int o = 0; o < kOuts; ++o) total[r][o] += v * w[o];
    }
  }
  if constexpr (kRows * kOuts % 4 == 0) {
    const vf* flat = &total[0][0];
#pragma GCC unroll 8
    for (int i = 0; i < kRows * kOuts; i += 4) {
      const v4 four = sum_lanes_of_four(flat[i], flat[i + 1], flat[i + 2], flat[i + 3]);
      __builtin_memcpy(sums + i, &four, sizeof four);
    }
  } else {
    for (int i = 0; i < kRows * kOuts; ++i) sums[i] = sum_lanes(total[i / kOuts][i % kOuts]);
  }
  if (whole == in) return;
  for (int r = 0; r < kRows; ++r) {
    for (int o = 0; o < kOuts; ++o) {
      for (int64_t k = whole; k < in; ++k) sums[r * kOuts + o] += x[r * in + k] * to_float(weight[o * in + k]);
    }
  }
}

template <typename T, int kRows, int kOuts>
inline void rows_against(const float* x, const T* weight, const T* bias, void* y, bool narrow, int64_t in, int64_t out, int64_t column) {
  float sums[kRows * kOuts];
  tile<T, kRows, kOuts>(x, weight + column * in, in, sums);
  for (int r = 0; r < kRows; ++r) {
    for (int o = 0; o < kOuts; ++o) {
      const float value = sums[r * kOuts + o] + (bias != nullptr ? to_float(bias[column + o]) : 0.0f);
      const int64_t index = r * out + column + o;
      if (narrow) from_float(value, static_cast<T*>(y)[index]);
      else static_cast<float*>(y)[index] = value;
    }
  }
}

// Accumulators of 8 rows x 2 columns need AVX-512's 32 registers; elsewhere 4 x 2.
constexpr bool kWideRows = kLanes == 16;

// All rows against kOuts columns: the weight rows are read from memory for the first group of rows and from the cache for the rest.
template <typename T, int kOuts>
inline void columns_against(const float* x, const T* weight, const T* bias, void* y, bool narrow, int64_t rows, int64_t in, int64_t out, int64_t column) {
  char* target = static_cast<char*>(y);
  const int64_t size = narrow ? sizeof(T) : sizeof(float);
  int64_t r = 0;
  const auto advance = [&](int64_t n) { r += n; };
  while (r < rows) {
    void* at = target + r * out * size;
    const float* from = x + r * in;
    if (kWideRows && kOuts <= 2 && rows - r >= 8) rows_against<T, 8, kOuts>(from, weight, bias, at, narrow, in, out, column), advance(8);
    else if (rows - r >= 4) rows_against<T, 4, kOuts>(from, weight, bias, at, narrow, in, out, column), advance(4);
    else if (rows - r >= 2) rows_against<T, 2, kOuts>(from, weight, bias, at, narrow, in, out, column), advance(2);
    else rows_against<T, 1, kOuts>(from, weight, bias, at, narrow, in, out, column), advance(1);
  }
}

template <typename T>
void skinny_product(const float* x, const void* weight_, const void* bias_, void* y, bool narrow, int64_t rows, int64_t in, int64_t out, int threads) {
  const T *weight = static_cast<const T*>(weight_), *bias = static_cast<const T*>(bias_);
  const int64_t step = kWideRows && rows <= 4 ? 4 : 2, tiles = out / step;
#pragma omp parallel num_threads(threads)
  {
#pragma omp for schedule(static)
    for (int64_t t = 0; t < tiles; ++t) {
      if (step == 4) columns_against<T, 4>(x, weight, bias, y, narrow, rows, in, out, t * 4);
      else columns_against<T, 2>(x, weight, bias, y, narrow, rows, in, out, t * 2);
    }
#pragma omp single nowait
    for (int64_t column = tiles * step; column < out; ++column) columns_against<T, 1>(x, weight, bias, y, narrow, rows, in, out, column);
  }
}

template <typename T>
void fill(TypedKernels& kernels) {
  kernels.decode_attention = decode_attention<T>;
  kernels.skinny_product = skinny_product<T>;
}

}  // namespace

namespace phidias::kernels::cpu::PHIDIAS_LEVEL {

void add_generation(Kernels& kernels) {
  fill<float>(kernels.float32);
  fill<bf16>(kernels.bfloat16);
}

}  // namespace phidias::kernels::cpu::PHIDIAS_LEVEL
