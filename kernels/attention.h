// Causal attention inside each document of a packed stream, rotary embedding included.
//
// qkv [T, (heads + 2 kv_heads) * head_dim], the heads of a token in the order of QkvLayout.
// cos, sin [T, rotary_dim / 2] float32, attention factor folded in ("rotate half" over the first rotary_dim values of each head:
// out[i] = x[i] cos[i] - x[i + d/2] sin[i], out[i + d/2] = x[i + d/2] cos[i] + x[i] sin[i]).
// window: 0 none; W: key j is visible to query i iff i - W < j <= i. kv head j serves query heads j*g .. j*g+g-1.
// sparse: only keys of the blocks that the pattern shows are visible, and the softmax runs over those; nothing is computed for masked blocks. A window
// narrows it further.
// Returns [T, heads * head_dim]. Gradients flow to qkv. On a GPU: varlen flash attention, with a pattern an own kernel; on a CPU: own blocked kernel.
// Documents with `parent` >= 0 (shared prompts) are refused here until preference training brings them.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

#include "kernels/block_sparse_pattern.h"
#include "kernels/packed_batch.h"

namespace phidias::kernels {

// Rows of a token in qkv. separate: all query heads, all key heads, all value heads. grouped (Phi-3-small): for every kv head its query heads, its key, its
// value. Gradients come in the same layout.
enum class QkvLayout { separate, grouped };

struct AttentionShape {
  std::int64_t heads = 0, kv_heads = 0, head_dim = 0, rotary_dim = 0;
  std::int64_t window = 0;
  double scale = 0.0;  // usually head_dim^-0.5
  QkvLayout layout = QkvLayout::separate;
  BlockSparsePattern sparse;
};

at::Tensor packed_attention(const at::Tensor& qkv, const at::Tensor& cos, const at::Tensor& sin, const PackedBatch& batch, const AttentionShape& shape);

// Generation. A cache holds, per layer, rotated keys and values: [sequences, kv_heads, capacity, head_dim], activation dtype.
struct KeyValueCache {
  at::Tensor keys, values;
};

// Rotates a packed stream's keys and copies keys and values into the cache: document d goes to slot sequences[d], positions `positions`.
void store_keys_values(const at::Tensor& qkv, const at::Tensor& cos, const at::Tensor& sin, const PackedBatch& batch,
                       const std::vector<std::int64_t>& sequences, const AttentionShape& shape, KeyValueCache& cache);

// One new token per sequence: qkv [B, ...] of slots `sequences`, at positions lengths[b] (tokens already cached). Rotates, appends to the
// cache, attends to everything visible. Returns [B, heads * head_dim]. No gradient.
at::Tensor decode_attention(const at::Tensor& qkv, const at::Tensor& cos, const at::Tensor& sin, const std::vector<std::int64_t>& sequences,
                            const std::vector<std::int64_t>& lengths, const AttentionShape& shape, KeyValueCache& cache);

}  // namespace phidias::kernels
