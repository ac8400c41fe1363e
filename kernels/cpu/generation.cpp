// Generation: attention of one new token per sequence against its cache. The cache is read once, from memory: keys and values go by in
// their order, with as many independent sums as hide the latency of an addition.
#include "kernels/cpu/level.h"

#include "kernels/cpu/attention_blocks.h"

namespace {

// What is read next comes from memory; hardware alone does not look across pages.
constexpr int64_t kFetchAhead = 4096;

// scores[j] = query . keys[j], 0 <= j < count.
template <typename T>
inline void score_keys(const float* query, const T* keys, int64_t count, int64_t d, float* scores) {
  int64_t j = 0;
  for (; j + 4 <= count; j += 4) {
    const T* key = keys + j * d;
    vf a{}, b{}, c{}, e{};
    for_vectors(d, [&](int64_t offset, auto at, auto) {
      const vf q = at(query);
      a += q * at(key);
      b += q * at(key + d);
      c += q * at(key + 2 * d);
      e += q * at(key + 3 * d);
      const char* next = reinterpret_cast<const char*>(key + 4 * offset) + kFetchAhead;
#pragma GCC unroll 4
      for (int64_t line = 0; line < static_cast<int64_t>(4 * kLanes * sizeof(T)); line += 64) __builtin_prefetch(next + line, 0, 2);
    });
    const v4 four = sum_lanes_of_four(a, b, c, e);
    __builtin_memcpy(scores + j, &four, sizeof four);
  }
  for (; j < count; ++j) {
    vf total{};
    for_vectors(d, [&](int64_t, auto at, auto) { total += at(query) * at(keys + j * d); });
    scores[j] = sum_lanes(total);
  }
}

// output[0, kVectors * kLanes) = (output, with `add`) + sum of weights[j] * values[j], the output being held in registers.
template <int kVectors, typename T>
inline void mix_columns(const float* weights, const T* values, int64_t count, int64_t d, bool add, float* output) {
  vf total[kVectors] = {};
  if (add)
    for (int i = 0; i < kVectors; ++i) total[i] = load(output + i * kLanes);
  for (int64_t j = 0; j < count; ++j) {
    const T* value = values + j * d;
#pragma GCC unroll 4
    for (int i = 0; i < kVectors; ++i) {
      total[i] += load(value + i * kLanes) * weights[j];
      __builtin_prefetch(reinterpret_cast<const char*>(value + i * kLanes) + kFetchAhead, 0, 2);
    }
  }
  for (int i = 0; i < kVectors; ++i) store(output + i * kLanes, total[i]);
}

template <typename T>
inline void mix_values(const float* weights, const T* values, int64_t count, int64_t d, bool add, float* output) {
  int64_t column = 0;
  for (; column + 4 * kLanes <= d; column += 4 * kLanes) mix_columns<4>(weights, values + column, count, d, add, output + column);
  for (; column + kLanes <= d; column += kLanes) mix_columns<1>(weights, values + column, count, d, add, output + column);
  for (; column < d; ++column) {
    float total = add ? output[column] : 0.0f;
    for (int64_t j = 0; j < count; ++j) total += weights[j] * to_float(values[j * d + column]);
    output[column] = total;
  }
}

template <typename T>
void decode_head(const DecodeProblem& p, int64_t sequence, int64_t kv_head, float* scratch) {
  const int64_t d = p.head_dim, group = p.heads / p.kv_heads, length = p.lengths[sequence];
  const Layout layout(p.heads, p.kv_heads, d, p.grouped);
  const T* row = static_cast<const T*>(p.qkv) + sequence * layout.row;
  const float *cos = p.cos + sequence * p.rotary_half, *sin = p.sin + sequence * p.rotary_half;
  const int64_t cache_offset = (p.slots[sequence] * p.kv_heads + kv_head) * p.capacity * d;
  T *keys = static_cast<T*>(p.keys) + cache_offset, *values = static_cast<T*>(p.values) + cache_offset;
  float *query = scratch, *output = query + d, *scores = output + d;

  rotate_row(row + layout.key(kv_head), cos, sin, p.rotary_half, d, 1.0f, query);
  T *new_key = keys + length * d, *new_value = values + length * d;
  const T* value = row + layout.value(kv_head);
  for_vectors(d, [&](int64_t, auto at, auto put) {
    put(new_key, at(static_cast<const float*>(query)));
    put(new_value, at(value));
  });

  for (int64_t head = kv_head * group; head < (kv_head + 1) * group; ++head) {
    rotate_row(row + layout.query(head), cos, sin, p.rotary_half, d, p.scale, query);
    const auto for_runs = [&](auto use) {  // of visible keys, with the place of their scores
      VisibleRuns runs(p.sparse, head, p.window, length, length + 1);
      int64_t place = 0;
      for (KeyRun run; runs.next(run, length + 1); place += run.count) use(run, place);
      return place;
    };
    const int64_t count =
        for_runs([&](KeyRun run, int64_t place) { score_keys(query, static_cast<const T*>(keys) + run.begin * d, run.count, d, scores + place); });
    float highest = scores[0];
    for (int64_t j = 1; j < count; ++j) highest = scores[j] > highest ? scores[j] : highest;
    vf sums{};
    for_vectors(count, [&](int64_t offset, auto at, auto put) {
      vf e = exp(at(static_cast<const float*>(scores)) - highest);
      for (int64_t lane = count - offset; lane < kLanes; ++lane) e[lane] = 0.0f;
      put(scores, e);
      sums += e;
    });
    const vf inverse = splat(1.0f / sum_lanes(sums));
    for_runs([&](KeyRun run, int64_t place) { mix_values(scores + place, static_cast<const T*>(values) + run.begin * d, run.count, d, place > 0, output); });
    for_vectors(d, [&](int64_t, auto at, auto put) { put(output, at(static_cast<const float*>(output)) * inverse); });
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

template <typename T>
void fill(TypedKernels& kernels) {
  kernels.decode_attention = decode_attention<T>;
}

}  // namespace

namespace phidias::kernels::cpu::PHIDIAS_LEVEL {

void add_generation(Kernels& kernels) {
  fill<float>(kernels.float32);
  fill<bf16>(kernels.bfloat16);
}

}  // namespace phidias::kernels::cpu::PHIDIAS_LEVEL
