// The product of a few rows with a weight matrix that is streamed once from memory: what a step of generation consists of. A general
// matrix product at 8 rows runs at half of memory bandwidth.
//
// A tile is kOuts consecutive rows of the weight, a contiguous piece of memory, against four rows of x at a time: the first four read it
// from memory, the others from the cache. Hardware fetches ahead within a page only and loses the thread between a tile's rows, so the
// memory further on is asked for explicitly, in its order and spread evenly over the arithmetic.
#include "kernels/cpu/level.h"

namespace {

constexpr int64_t kAheadBytes = 32768, kLine = 64;
constexpr int kGroup = 4;  // rows of x together; 4 x 6 accumulators need AVX-512's 32 registers, elsewhere 4 x 2
constexpr int kWideOuts = kLanes == 16 ? 6 : 2;

// kRows rows of x against kOuts consecutive rows of the weight; sums [kRows, kOuts]. Fetches a 1 / kShares part of a tile from
// `ahead` on; 0: nothing.
template <typename T, int kRows, int kOuts, int kShares>
inline void tile(const float* x, const T* weight, int64_t in, const char* ahead, float* sums) {
  vf total[kRows][kOuts] = {};
  const int64_t whole = in / kLanes * kLanes;
  constexpr int64_t kFetched = kShares == 0 ? 0 : kOuts * kLanes * sizeof(T) / (kShares == 0 ? 1 : kShares);
  for (int64_t k = 0; k < whole; k += kLanes) {
    vf w[kOuts];
#pragma GCC unroll 8
    for (int o = 0; o < kOuts; ++o) w[o] = load(weight + o * in + k);
#pragma GCC unroll 8
    for (int64_t line = 0; line < kFetched; line += kLine) __builtin_prefetch(ahead + line, 0, 2);
    ahead += kFetched;
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

struct Problem {
  const float* x;
  const void *weight, *bias;
  void* y;
  bool narrow;
  int64_t rows, in, out;
};

// Rows [row, row + kRows) against columns [column, column + kOuts).
template <typename T, int kRows, int kOuts, int kShares>
inline void rows_against(const Problem& p, int64_t row, int64_t column, const char* ahead) {
  float sums[kRows * kOuts];
  tile<T, kRows, kOuts, kShares>(p.x + row * p.in, static_cast<const T*>(p.weight) + column * p.in, p.in, ahead, sums);
  const T* bias = static_cast<const T*>(p.bias);
  for (int r = 0; r < kRows; ++r) {
    for (int o = 0; o < kOuts; ++o) {
      const float value = sums[r * kOuts + o] + (bias != nullptr ? to_float(bias[column + o]) : 0.0f);
      const int64_t index = (row + r) * p.out + column + o;
      if (p.narrow)
        from_float(value, static_cast<T*>(p.y)[index]);
      else
        static_cast<float*>(p.y)[index] = value;
    }
  }
}

// All rows against kOuts columns. The first two groups of rows share the fetching of what lies ahead.
template <typename T, int kOuts>
inline void columns_against(const Problem& p, int64_t column) {
  const int64_t tile_bytes = kOuts * p.in * static_cast<int64_t>(sizeof(T));
  const char* ahead = static_cast<const char*>(p.weight) + column * p.in * static_cast<int64_t>(sizeof(T)) + kAheadBytes;
  const auto group = [&]<int kShares>(int64_t row, int64_t count, const char* from) {
    if (count == 4) return rows_against<T, 4, kOuts, kShares>(p, row, column, from);
    if (count == 1) return rows_against<T, 1, kOuts, kShares>(p, row, column, from);
    rows_against<T, 2, kOuts, kShares>(p, row, column, from);
    if (count == 3) rows_against<T, 1, kOuts, 0>(p, row + 2, column, nullptr);
  };
  if (p.rows <= kGroup) return group.template operator()<1>(0, p.rows, ahead);
  group.template operator()<2>(0, kGroup, ahead);
  const auto count_at = [&](int64_t row) { return p.rows - row < kGroup ? p.rows - row : kGroup; };
  group.template operator()<2>(kGroup, count_at(kGroup), ahead + tile_bytes / 2);
  for (int64_t row = 2 * kGroup; row < p.rows; row += kGroup) group.template operator()<0>(row, count_at(row), nullptr);
}

template <typename T, int kOuts>
void stream(const Problem& p, int threads) {
  const int64_t tiles = p.out / kOuts;
#pragma omp parallel num_threads(threads)
  {
#pragma omp for schedule(static) nowait
    for (int64_t t = 0; t < tiles; ++t) columns_against<T, kOuts>(p, t * kOuts);
#pragma omp single nowait
    for (int64_t column = tiles * kOuts; column < p.out; ++column) columns_against<T, 1>(p, column);
  }
}

template <typename T>
void skinny_product(const float* x, const void* weight, const void* bias, void* y, bool narrow, int64_t rows, int64_t in, int64_t out, int threads) {
  const Problem problem{x, weight, bias, y, narrow, rows, in, out};
  if (rows <= 2)
    stream<T, 2>(problem, threads);  // nothing but loads: fewer streams
  else
    stream<T, kWideOuts>(problem, threads);
}

}  // namespace

namespace phidias::kernels::cpu::PHIDIAS_LEVEL {

void add_skinny(Kernels& kernels) {
  kernels.float32.skinny_product = skinny_product<float>;
  kernels.bfloat16.skinny_product = skinny_product<bf16>;
}

}  // namespace phidias::kernels::cpu::PHIDIAS_LEVEL
