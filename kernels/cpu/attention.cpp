// Causal attention of one document and one key/value head at a time: blocks of queries against the blocks of keys they see, with the
// running maximum and sum of the softmax per row (FlashAttention's recurrence, arXiv 2205.14135); only the log-sum-exp is kept.
#include "kernels/cpu/attention_blocks.h"

extern "C" float logf(float);

namespace {

struct RowState {
  float highest[kQueryBlock], sum[kQueryBlock];
};

// Turns row i's scores [0, width) into exponentials; [from, to) are visible. Returns what the earlier part of the row must be multiplied by.
inline float soften_row(float* scores, int64_t from, int64_t to, int64_t width, float& highest, float& sum) {
  if (from >= to) {
    __builtin_memset(scores, 0, static_cast<size_t>(width) * sizeof(float));
    return 1.0f;
  }
  const float* visible = scores + from;
  const int64_t count = to - from, whole = count / kLanes * kLanes;
  float best = highest;
  vf lanes = splat(highest);
  for (int64_t i = 0; i < whole; i += kLanes) lanes = maximum(load(visible + i), lanes);
  best = max_lanes(lanes);
  for (int64_t i = whole; i < count; ++i) best = visible[i] > best ? visible[i] : best;
  vf sums{};
  float* target = scores + from;
  for (int64_t i = 0; i < whole; i += kLanes) {
    const vf e = exp(load(visible + i) - best);
    store(target + i, e);
    sums += e;
  }
  float total = sum_lanes(sums);
  if (whole < count) {
    const vf e = exp(load_part(visible + whole, count - whole) - best);
    store_part(target + whole, e, count - whole);
    for (int64_t i = 0; i < count - whole; ++i) total += e[i];
  }
  for (int64_t i = 0; i < from; ++i) scores[i] = 0.0f;
  for (int64_t i = to; i < width; ++i) scores[i] = 0.0f;
  const float correction = exp(splat(highest - best))[0];
  sum = sum * correction + total;
  highest = best;
  return correction;
}

template <typename T>
void forward_task(const AttentionProblem& p, const AttentionTask& task, T* out, float* lse, float* scratch) {
  const Layout layout = layout_of(p);
  const T* rows = static_cast<const T*>(p.qkv) + task.begin * layout.row;
  const int64_t d = p.head_dim, group = p.heads / p.kv_heads;
  const int64_t key_begin = first_key(task.query_begin, p.window), key_count = task.query_end - key_begin;
  float *keys = scratch, *value_buffer = keys + key_count * d, *queries = value_buffer + key_count * d, *scores = queries + kQueryBlock * d,
        *outputs = scores + kQueryBlock * kKeyBlock;
  AttentionProblem document = p;  // tables of this document's first row
  document.cos += task.begin * p.rotary_half;
  document.sin += task.begin * p.rotary_half;
  rotate_rows(document, rows + layout.key(task.kv_head), layout.row, key_begin, task.query_end, 1.0f, keys);
  const Matrix values = float_rows(rows + layout.value(task.kv_head), layout.row, key_begin, task.query_end, d, value_buffer);

  RowState state;
  for (int64_t head = task.kv_head * group; head < (task.kv_head + 1) * group; ++head) {
    for (int64_t query = task.query_begin, query_end; query < task.query_end; query = query_end) {
      query_end = query_tile_end(p.sparse, query, task.query_end);
      const int64_t count = query_end - query;
      rotate_rows(document, rows + layout.query(head), layout.row, query, query_end, p.scale, queries);
      for (int64_t i = 0; i < count; ++i) state.highest[i] = -1e30f, state.sum[i] = 0.0f;
      float beta = 0.0f;
      VisibleKeys visible(p.sparse, head, p.window, query, query_end);
      while (visible.next()) {
        for (int64_t k = 0; k < visible.count; ++k) {
          const KeyPiece& piece = visible.pieces[k];
          product_abt({queries, d}, {keys + (piece.begin - key_begin) * d, d}, scores + piece.column, kKeyBlock, count, piece.count, d);
        }
        for (int64_t i = 0; i < count; ++i) {
          const int64_t from = visible.columns_below(first_key(query + i, p.window)), to = visible.columns_below(query + i + 1);
          const float correction = soften_row(scores + i * kKeyBlock, from, to, visible.width, state.highest[i], state.sum[i]);
          if (beta == 0.0f || correction == 1.0f) continue;
          float* earlier = outputs + i * d;
          for_vectors(d, [&](int64_t, auto at, auto put) { put(earlier, at(static_cast<const float*>(earlier)) * correction); });
        }
        for (int64_t k = 0; k < visible.count; ++k) {
          const KeyPiece& piece = visible.pieces[k];
          const Matrix value_rows{values.data + (piece.begin - key_begin) * values.stride, values.stride};
          product_ab({scores + piece.column, kKeyBlock}, value_rows, beta, outputs, d, count, d, piece.count);
          beta = 1.0f;
        }
      }
      for (int64_t i = 0; i < count; ++i) {
        const float* source = outputs + i * d;
        T* target = out + (task.begin + query + i) * layout.out + head * d;
        const float inverse = 1.0f / state.sum[i];
        for_vectors(d, [&](int64_t, auto at, auto put) { put(target, at(source) * inverse); });
        lse[head * p.tokens + task.begin + query + i] = state.highest[i] + logf(state.sum[i]);
      }
    }
  }
}

template <typename T>
void attention(const AttentionProblem& p, void* out, float* lse) {
#pragma omp parallel num_threads(p.threads)
  {
    const int thread = omp_get_thread_num();
#pragma omp for schedule(dynamic, 1)
    for (int64_t t = 0; t < p.task_count; ++t) forward_task(p, p.tasks[t], static_cast<T*>(out), lse, p.scratch + thread * p.scratch_stride);
  }
}

}  // namespace

namespace phidias::kernels::cpu::PHIDIAS_LEVEL {

void add_attention(Kernels& kernels) {
  kernels.float32.attention = attention<float>;
  kernels.bfloat16.attention = attention<bf16>;
}

}  // namespace phidias::kernels::cpu::PHIDIAS_LEVEL
