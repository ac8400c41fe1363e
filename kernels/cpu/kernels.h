// The CPU kernels as plain functions over pointers, one table per instruction set; cpu/dispatch.h chooses one.
//
// Pointers to const void / void point to the activation type of the table's entry (float or bfloat16). Matrices are row-major and dense.
// `threads` is the size of the OpenMP team. Results do not depend on it.
#pragma once

#include <cstdint>

#include "kernels/block_sparse_pattern.h"

namespace phidias::kernels::cpu {

// One document and one key/value head; forward also splits the queries [query_begin, query_end) of a document.
struct AttentionTask {
  std::int64_t begin, end;  // rows of the document
  std::int64_t kv_head;
  std::int64_t query_begin, query_end;  // relative to begin
};

struct AttentionProblem {
  const void* qkv;         // [T, (heads + 2 kv_heads) head_dim]
  const float *cos, *sin;  // [T, rotary_half]
  std::int64_t tokens, heads, kv_heads, head_dim, rotary_half, window;
  bool grouped;  // QkvLayout of a row
  BlockSparsePattern sparse;
  float scale;
  const AttentionTask* tasks;  // in the order they are to be started
  std::int64_t task_count;
  float* scratch;               // threads * scratch_stride floats
  std::int64_t scratch_stride;  // at least attention_scratch(longest document, head_dim)
  int threads;
};

struct DecodeProblem {
  const void* qkv;                      // [B, (heads + 2 kv_heads) head_dim]
  const float *cos, *sin;               // [B, rotary_half]
  const std::int64_t *slots, *lengths;  // [B]
  std::int64_t sequences, heads, kv_heads, head_dim, rotary_half, window, capacity;
  bool grouped;  // QkvLayout of a row
  BlockSparsePattern sparse;
  float scale;
  void *keys, *values;  // [slots, kv_heads, capacity, head_dim]
  void* out;            // [B, heads * head_dim]
  float* scratch;       // threads * scratch_stride floats, at least group * (longest + 1 + 2 head_dim + 32) each
  std::int64_t scratch_stride;
  int threads;
};

// factor(u) = u >= drop ? base + span * u : 0: dropout (span 0) and jitter (drop 0). u is drawn per element (draws.h).
struct DrawnFactor {
  std::uint64_t site;
  float drop, base, span;
};

// SparseMixer over rows of scores [tokens, experts] (sparse_mixer.h). draw_keys null: nothing is drawn.
struct MixerProblem {
  const float* scores;
  const std::int64_t* draw_keys;
  std::int64_t tokens, experts;
  float threshold;         // 2 epsilon
  std::uint64_t sites[2];  // of the two choices' draws
  int threads;
};

// Kernels whose code depends on the activation type.
struct TypedKernels {
  // sum = x + update (skipped when update is null: statistics of x, sum unused); y = sum * rstd * weight. rstd [rows] is kept.
  void (*rms_norm)(const void* x, const void* update, const void* weight, void* sum, void* y, float* rstd, std::int64_t rows, std::int64_t width, float eps,
                   int threads);
  // dx = ds (when not null) + gradient of the norm. d_weight [width] = beta * d_weight + ...; null when frozen; `partial` holds
  // ceil(rows / 64) * width floats.
  void (*rms_norm_backward)(const void* dy, const void* ds, const void* x, const void* weight, const float* rstd, void* dx, float* d_weight, float beta,
                            float* partial, std::int64_t rows, std::int64_t width, int threads);
  // As rms_norm with mean and bias; statistics [rows, 2]: mean, rstd.
  void (*layer_norm)(const void* x, const void* update, const void* weight, const void* bias, void* sum, void* y, float* statistics, std::int64_t rows,
                     std::int64_t width, float eps, int threads);
  // d_weight and d_bias [width] may be null; `partial` holds ceil(rows / 64) * 2 * width floats.
  void (*layer_norm_backward)(const void* dy, const void* ds, const void* x, const void* weight, const float* statistics, void* dx, float* d_weight,
                              float weight_beta, float* d_bias, float bias_beta, float* partial, std::int64_t rows, std::int64_t width, int threads);
  // y = x * factor(u of (draw_keys[r], site, column)), elementwise; y may be x.
  void (*drawn_factor)(const void* x, const std::int64_t* draw_keys, const DrawnFactor& factor, void* y, std::int64_t rows, std::int64_t width, int threads);
  // out[r] = x[pairs[r] / choices].
  void (*gather_rows)(const void* x, const std::int64_t* pairs, std::int64_t choices, void* out, std::int64_t rows, std::int64_t width, int threads);
  // y[t] = sum over s in order of weights[t, s] * rows[places[t, s]]; weights null: 1.
  void (*combine_rows)(const void* rows, const std::int64_t* places, std::int64_t choices, const float* weights, void* y, std::int64_t tokens,
                       std::int64_t width, int threads);
  // h = silu(gate) * up of gate_up [rows, 2 width]; d [rows, width] is the gradient of h without the row's weight:
  // d_weights[r] = d . h;  d_gate_up = gradient for weights[r] * d;  then d is overwritten with weights[r] * h.
  void (*weighted_swiglu_backward)(void* d, const void* gate_up, const float* weights, void* d_gate_up, float* d_weights, std::int64_t rows, std::int64_t width,
                                   int threads);
  // gate_up [rows, 2 width] -> y [rows, width].
  void (*swiglu)(const void* gate_up, void* y, std::int64_t rows, std::int64_t width, int threads);
  void (*swiglu_backward)(const void* dy, const void* gate_up, void* d_gate_up, std::int64_t rows, std::int64_t width, int threads);
  // gate_up [rows, 2 width], alternating -> y [rows, width] (gegelu.h).
  void (*gegelu)(const void* gate_up, void* y, float limit, std::int64_t rows, std::int64_t width, int threads);
  void (*gegelu_backward)(const void* dy, const void* gate_up, void* d_gate_up, float limit, std::int64_t rows, std::int64_t width, int threads);
  // logits [rows, vocab] in place -> factor[r] * (onehot(target) - p) when factor is not null. Any of the [rows] outputs may be null.
  // logits are multiplied by logit_scale after bias [vocab] (or null) is added.
  void (*softmax_rows)(void* logits, const void* bias, float logit_scale, const std::int64_t* targets, const float* factor, float* log_probability,
                       float* log_sum_exp, float* entropy, std::int64_t rows, std::int64_t vocab, int threads);
  void (*attention)(const AttentionProblem& problem, void* out, float* lse);  // out [T, heads head_dim], lse [heads, T]
  void (*attention_backward)(const AttentionProblem& problem, const void* out, const float* lse, const void* d_out, void* d_qkv);
  void (*decode_attention)(const DecodeProblem& problem);
  // y [rows, out] = x [rows, in] weight^T (+ bias), rows <= 16, x already float32 [rows, in]; y float32 or, with narrow, the activation type.
  void (*skinny_product)(const float* x, const void* weight, const void* bias, void* y, bool narrow, std::int64_t rows, std::int64_t in, std::int64_t out,
                         int threads);
  // table [ids, width] (float32) = beta * table + rows of dy at tokens; tokens equal to ignored_id (-1: none) are skipped.
  void (*embedding_backward)(const void* dy, const std::int64_t* tokens, std::int64_t ignored_id, float* table, float beta, std::int64_t rows, std::int64_t ids,
                             std::int64_t width, int threads);
};

struct AdamWFactors {
  float decay, beta1, one_minus_beta1, beta2, one_minus_beta2, step_size, inverse_sqrt_correction2, eps, gradient_factor;
};

struct Kernels {
  const char* name;
  TypedKernels float32, bfloat16;
  // Moments float32 or bfloat16; compute (bfloat16) may be null.
  void (*adamw)(float* master, const float* gradient, void* exp_avg, void* exp_avg_sq, bool narrow_avg, bool narrow_avg_sq, void* compute,
                const AdamWFactors& factors, std::int64_t n, int threads);
  // tokens[r] = the first of the largest of logits [rows, vocab]; a NaN is never chosen, 0 stands for a row of them.
  void (*likeliest)(const float* logits, std::int64_t* tokens, std::int64_t rows, std::int64_t vocab, int threads);
  // chosen [tokens, 2] and their weights; the gradient d_scores [tokens, experts] of d_weights [tokens, 2], plus p * (aux - p . aux) when aux [experts]
  // is not null (p: softmax of the scores).
  void (*sparse_mixer)(const MixerProblem& problem, std::int64_t* chosen, float* weights);
  void (*sparse_mixer_backward)(const MixerProblem& problem, const std::int64_t* chosen, const float* d_weights, const float* aux, float* d_scores);
  // load, top_counts [experts] and probability_sum [experts] of LayerRouting; `partial` holds ceil(tokens / 64) * 3 * experts floats.
  void (*routing_statistics)(const MixerProblem& problem, const std::int64_t* chosen, std::int64_t* load, std::int64_t* top_counts, float* probability_sum,
                             float* partial);
  // body(context, i) for i in [0, tasks), a thread taking the next one when it is free.
  void (*run_tasks)(void (*body)(void* context, std::int64_t task), void* context, std::int64_t tasks, int threads);
  // Sums of squares of consecutive blocks of kSumBlock elements.
  void (*block_sums)(const float* x, double* sums, std::int64_t n, int threads);
};
inline constexpr std::int64_t kSumBlock = 65536;
inline constexpr std::int64_t kNormBlock = 64;
inline constexpr std::int64_t kQueryBlock = 64, kKeyBlock = 512;

// Floats one thread of the attention kernels needs: rotated keys, values and their gradients; a block of queries, its gradients and
// outputs; two blocks of scores.
constexpr std::int64_t attention_scratch(std::int64_t longest, std::int64_t head_dim) {
  return 4 * longest * head_dim + 3 * kQueryBlock * head_dim + 2 * kQueryBlock * kKeyBlock;
}

}  // namespace phidias::kernels::cpu
