// Gradient of packed attention. Probabilities are recomputed from the log-sum-exp, block by block; the gradients of one key/value head
// gather in scratch and leave through the inverse rotation into d_qkv. With P the probabilities and D_i = dO_i . O_i:
//   dV = P^T dO,  dS = P * (dO V^T - D),  dQ = scale dS K,  dK = dS^T (scale Q)
#include "kernels/cpu/attention_blocks.h"

namespace {

// P from scores, and dS in place of the products dO V^T.
inline void probabilities_and_gradient(float* scores, float* d_scores, int64_t from, int64_t to, int64_t width, float lse, float delta) {
  for (int64_t i = 0; i < from; ++i) scores[i] = d_scores[i] = 0.0f;
  float *p = scores + from, *d = d_scores + from;
  for_vectors(to - from, [&](int64_t, auto at, auto put) {
    const vf shifted = at(static_cast<const float*>(p)) - lse;
    // Below e^-60 a probability is nothing beside the others, and its products would be slow denormal numbers.
    const vf probability = shifted < splat(-60.0f) ? vf{} : exp(shifted);
    put(p, probability);
    put(d, probability * (at(static_cast<const float*>(d)) - delta));
  });
  for (int64_t i = to; i < width; ++i) scores[i] = d_scores[i] = 0.0f;
}

template <typename T>
void backward_task(const AttentionProblem& p, const AttentionTask& task, const T* out, const float* lse, const T* d_out, T* d_qkv, float* scratch) {
  const Layout layout = layout_of(p);
  const int64_t d = p.head_dim, group = p.heads / p.kv_heads, length = task.end - task.begin;
  const T* rows = static_cast<const T*>(p.qkv) + task.begin * layout.row;
  T* d_rows = d_qkv + task.begin * layout.row;
  float *keys = scratch, *value_buffer = keys + length * d, *d_keys = value_buffer + length * d, *d_values = d_keys + length * d,
        *queries = d_values + length * d, *d_queries = queries + kQueryBlock * d, *d_out_buffer = d_queries + kQueryBlock * d,
        *scores = d_out_buffer + kQueryBlock * d, *d_scores = scores + kQueryBlock * kKeyBlock;
  AttentionProblem document = p;
  document.cos += task.begin * p.rotary_half;
  document.sin += task.begin * p.rotary_half;
  rotate_rows(document, rows + layout.key(task.kv_head), layout.row, 0, length, 1.0f, keys);
  const Matrix values = float_rows(rows + layout.value(task.kv_head), layout.row, 0, length, d, value_buffer);
  __builtin_memset(d_keys, 0, static_cast<size_t>(2 * length * d) * sizeof(float));

  float delta[kQueryBlock];
  for (int64_t head = task.kv_head * group; head < (task.kv_head + 1) * group; ++head) {
    const float* head_lse = lse + head * p.tokens + task.begin;
    const T *head_out = out + task.begin * layout.out + head * d, *head_d_out = d_out + task.begin * layout.out + head * d;
    for (int64_t query = 0, query_end; query < length; query = query_end) {
      query_end = query_tile_end(p.sparse, query, length);
      const int64_t count = query_end - query;
      rotate_rows(document, rows + layout.query(head), layout.row, query, query_end, p.scale, queries);
      const Matrix incoming = float_rows(head_d_out, layout.out, query, query_end, d, d_out_buffer);
      for (int64_t i = 0; i < count; ++i) {
        const T* o = head_out + (query + i) * layout.out;
        const float* g = incoming.data + i * incoming.stride;
        vf products{};
        for_vectors(d, [&](int64_t, auto at, auto) { products += at(o) * at(g); });
        delta[i] = sum_lanes(products);
      }
      float beta = 0.0f;
      VisibleKeys visible(p.sparse, head, p.window, query, query_end);
      while (visible.next()) {
        for (int64_t k = 0; k < visible.count; ++k) {
          const KeyPiece& piece = visible.pieces[k];
          product_abt({queries, d}, {keys + piece.begin * d, d}, scores + piece.column, kKeyBlock, count, piece.count, d);
          product_abt(incoming, {values.data + piece.begin * values.stride, values.stride}, d_scores + piece.column, kKeyBlock, count, piece.count, d);
        }
        for (int64_t i = 0; i < count; ++i) {
          const int64_t to = visible.columns_below(query + i + 1), from = smaller(visible.columns_below(first_key(query + i, p.window)), to);
          probabilities_and_gradient(scores + i * kKeyBlock, d_scores + i * kKeyBlock, from, to, visible.width, head_lse[query + i], delta[i]);
        }
        for (int64_t k = 0; k < visible.count; ++k) {
          const KeyPiece& piece = visible.pieces[k];
          add_product_atb({scores + piece.column, kKeyBlock}, incoming, d_values + piece.begin * d, d, piece.count, d, count);
          add_product_atb({d_scores + piece.column, kKeyBlock}, {queries, d}, d_keys + piece.begin * d, d, piece.count, d, count);
          product_ab({d_scores + piece.column, kKeyBlock}, {keys + piece.begin * d, d}, beta, d_queries, d, count, d, piece.count);
          beta = 1.0f;
        }
      }
      for (int64_t i = 0; i < count; ++i) {
        const int64_t t = query + i;
        rotate_row_back(d_queries + i * d, document.cos + t * p.rotary_half, document.sin + t * p.rotary_half, p.rotary_half, d, p.scale,
                        d_rows + t * layout.row + layout.query(head));
      }
    }
  }
  for (int64_t t = 0; t < length; ++t) {
    rotate_row_back(d_keys + t * d, document.cos + t * p.rotary_half, document.sin + t * p.rotary_half, p.rotary_half, d, 1.0f,
                    d_rows + t * layout.row + layout.key(task.kv_head));
    const float* source = d_values + t * d;
    T* target = d_rows + t * layout.row + layout.value(task.kv_head);
    for_vectors(d, [&](int64_t, auto at, auto put) { put(target, at(source)); });
  }
}

template <typename T>
void attention_backward(const AttentionProblem& p, const void* out, const float* lse, const void* d_out, void* d_qkv) {
#pragma omp parallel num_threads(p.threads)
  {
    const int thread = omp_get_thread_num();
#pragma omp for schedule(dynamic, 1)
    for (int64_t t = 0; t < p.task_count; ++t)
      backward_task(p, p.tasks[t], static_cast<const T*>(out), lse, static_cast<const T*>(d_out), static_cast<T*>(d_qkv),
                    p.scratch + thread * p.scratch_stride);
  }
}

}  // namespace

namespace phidias::kernels::cpu::PHIDIAS_LEVEL {

void add_attention_backward(Kernels& kernels) {
  kernels.float32.attention_backward = attention_backward<float>;
  kernels.bfloat16.attention_backward = attention_backward<bf16>;
}

}  // namespace phidias::kernels::cpu::PHIDIAS_LEVEL
