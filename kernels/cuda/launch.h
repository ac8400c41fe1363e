// What the .cu files offer to the plug-in: one launch function per kernel, on raw pointers, sizes and a stream. No ATen here.
//
// Buffers are contiguous device memory. Each function queues its kernels and returns the launch error. Sizes may be 0.
// Workspaces are float32 unless said otherwise and are given by the caller, so that torch's allocator owns all memory.
#pragma once

#include <cuda_runtime_api.h>

#include <cstdint>

#include "kernels/block_sparse_pattern.h"

namespace phidias::kernels::cuda {

enum class Element { float32, bfloat16 };

// Rows that a row-parallel kernel with per-block partial sums uses for its workspace: [partial_rows, columns] float32.
std::int64_t partial_rows(std::int64_t rows);

// rms_norm.cu; update and sum null: plain normalisation. cudaErrorInvalidValue when a row does not fit the registers of a block
// (hidden > 16384 bfloat16, 8192 float32, 2048 when a row is no multiple of 16 bytes).
cudaError_t rms_norm_forward(Element type, const void* x, const void* update, const void* weight, void* sum, void* y, float* rstd, std::int64_t rows,
                             std::int64_t hidden, float eps, cudaStream_t stream);
// partial: [partial_rows(rows), hidden], or null when the weight is frozen; the caller adds it up with column_sum.
cudaError_t rms_norm_backward(Element type, const void* dy, const void* dsum, const void* x, const void* weight, const float* rstd, void* dx, float* partial,
                              std::int64_t rows, std::int64_t hidden, cudaStream_t stream);

// layer_norm.cu, as rms_norm; statistics [rows, 2]: mean, rstd. partial: [partial_rows(rows), 2, hidden], or null when weight and bias are frozen.
struct LayerNormRows {
  const void *x, *update, *weight, *bias;  // backward: update and bias are not read
  std::int64_t rows, hidden;
};
cudaError_t layer_norm_forward(Element type, const LayerNormRows& rows, void* sum, void* y, float* statistics, float eps, cudaStream_t stream);
cudaError_t layer_norm_backward(Element type, const LayerNormRows& rows, const void* dy, const void* dsum, const float* statistics, void* dx, float* partial,
                                cudaStream_t stream);

// drawn_factor.cu: y = x * (u >= drop ? base + span * u : 0), u drawn per element.
struct DrawnFactorArguments {
  std::uint64_t site;
  float drop, base, span;
};
cudaError_t drawn_factor(Element type, const void* x, const std::int64_t* draw_keys, const DrawnFactorArguments& factor, void* y, std::int64_t rows,
                         std::int64_t width, cudaStream_t stream);

// sparse_mixer.cu: 2 to 64 experts; draw_keys and aux may be null.
struct SparseMixerArguments {
  const float* scores;  // [tokens, experts]
  const std::int64_t* draw_keys;
  std::int64_t tokens;
  int experts;
  float threshold;
  std::uint64_t sites[2];
};
cudaError_t sparse_mixer(const SparseMixerArguments& arguments, std::int64_t* chosen, float* weights, cudaStream_t stream);
cudaError_t sparse_mixer_backward(const SparseMixerArguments& arguments, const std::int64_t* chosen, const float* d_weights, const float* aux, float* d_scores,
                                  cudaStream_t stream);

// column_sum.cu: out [columns] = beta * out + sum over rows. partial: [partial_rows(rows), columns].
cudaError_t column_sum(Element type, const void* in, std::int64_t rows, std::int64_t columns, float* partial, float* out, float beta, cudaStream_t stream);

// swiglu.cu; width I: gate_up rows hold 2 I values.
cudaError_t swiglu_forward(Element type, const void* gate_up, void* out, std::int64_t rows, std::int64_t width, cudaStream_t stream);
cudaError_t swiglu_backward(Element type, const void* dout, const void* gate_up, void* dgate_up, std::int64_t rows, std::int64_t width, cudaStream_t stream);

// gegelu.cu; width I: gate_up rows hold I pairs.
cudaError_t gegelu_forward(Element type, const void* gate_up, void* out, float limit, std::int64_t rows, std::int64_t width, cudaStream_t stream);
cudaError_t gegelu_backward(Element type, const void* dout, const void* gate_up, void* dgate_up, float limit, std::int64_t rows, std::int64_t width,
                            cudaStream_t stream);

// rotary.cu; strides: elements from token to token, each multiples of 16 bytes for the fast path.
struct RotaryArguments {
  const void *q, *k, *v;
  std::int64_t q_stride, k_stride, v_stride;
  std::int64_t group_gap;  // elements between the last query head of a kv group and the next group's first
  std::int64_t kv_step;    // elements from a key (value) head to the next
  const float *cos, *sin;
  void* out;
  std::int64_t tokens;
  int heads, kv_heads, head_dim, rotary_dim;
  bool inverse;
  bool grouped_out;  // QkvLayout of the output
};
cudaError_t rotary_pack(Element type, const RotaryArguments& arguments, cudaStream_t stream);

// softmax_rows.cu; rows [R], vocabulary V. Pointers after factor may be null; a gradient needs the factor. The gradient may be the logits themselves when
// the types agree.
struct SoftmaxRows {
  const void* logits;
  const std::int64_t* targets;
  std::int64_t rows, vocabulary;
  float logit_scale;
  const float* factor;
  float *log_probability, *log_sum_exp, *entropy;
  void* gradient;
};
cudaError_t softmax_rows(Element logits_type, Element gradient_type, const SoftmaxRows& arguments, cudaStream_t stream);

// adamw.cu; compute (bfloat16) may be null.
struct AdamWArguments {
  float* master;
  const float* gradient;
  void *exp_avg, *exp_avg_sq;
  void* compute;
  std::int64_t count;
  float beta1, beta2, eps, decay_factor, step_size, inverse_root_correction2, gradient_factor;  // decay_factor = 1 - lr wd, step_size = lr / (1 - b1^t)
};
cudaError_t adamw(Element moments, const AdamWArguments& arguments, cudaStream_t stream);

// sum_of_squares.cu; partial: [kSumOfSquaresBlocks] double, result: one double.
inline constexpr int kSumOfSquaresBlocks = 1024;
cudaError_t sum_of_squares(const float* values, std::int64_t count, double* partial, double* result, cudaStream_t stream);

// embedding.cu; ids sorted (stable), order: original positions.
cudaError_t embedding_gradient(Element type, const void* dy, const std::int64_t* sorted_ids, const std::int64_t* order, std::int64_t tokens,
                               std::int64_t hidden, std::int64_t table_rows, std::int64_t ignored_id, float* gradient, cudaStream_t stream);

// key_value_cache.cu; caches [slots, kv_heads, capacity, head_dim]; rotated rows hold heads + 2 kv_heads heads.
struct CacheShape {
  int heads, kv_heads, head_dim;
  std::int64_t capacity;
};
cudaError_t store_keys_values(Element type, const void* rotated, const std::int32_t* positions, const std::int32_t* offsets, const std::int32_t* slots,
                              int documents, std::int64_t tokens, const CacheShape& shape, void* keys, void* values, cudaStream_t stream);

// block_sparse_attention.cu; rotated rows in the separate layout; tiles as CudaBackend::block_sparse_forward has them. head_dim up to 256.
inline constexpr int kSparseTile = 32;
struct SparseAttention {
  const void* rotated;
  const std::int32_t* tiles;
  int tile_count;
  std::int64_t tokens;
  int heads, kv_heads, head_dim;
  std::int64_t window;
  BlockSparsePattern pattern;
  float scale;
};
cudaError_t block_sparse_forward(Element type, const SparseAttention& arguments, void* out, float* lse, cudaStream_t stream);
// delta: workspace [heads, tokens].
cudaError_t block_sparse_backward(Element type, const SparseAttention& arguments, const void* out, const float* lse, const void* d_out, float* delta,
                                  void* d_rotated, cudaStream_t stream);

// decode_attention.cu; at most kDecodeRows sequences a call, slots and lengths on the host (copied into the launch).
inline constexpr int kDecodeRows = 256;
struct DecodeRows {
  std::int32_t slot[kDecodeRows];
  std::int32_t length[kDecodeRows];  // keys cached before this token
};
// Splits of the keys that fill the device; the workspace holds rows * heads * splits * (head_dim + 2) floats (none for one split).
int decode_splits(int rows, const CacheShape& shape, std::int64_t longest);
cudaError_t decode_attention(Element type, const void* rotated, const DecodeRows& where, int rows, const CacheShape& shape, std::int64_t window,
                             const BlockSparsePattern& sparse, float scale, int splits, void* keys, void* values, float* workspace, void* out,
                             cudaStream_t stream);

}  // namespace phidias::kernels::cuda
