// Causal attention inside each document of a packed stream, rotary embedding included.
//
// qkv [T, (heads + 2 kv_heads) * head_dim], rows of a token: all query heads, all key heads, all value heads (Phi-3's fused projection).
// cos, sin [T, rotary_dim / 2] float32, attention factor folded in ("rotate half" over the first rotary_dim values of each head:
// out[i] = x[i] cos[i] - x[i + d/2] sin[i], out[i + d/2] = x[i + d/2] cos[i] + x[i] sin[i]).
// window: 0 none; W: key j is visible to query i iff i - W < j <= i. kv head j serves query heads j*g .. j*g+g-1.
// Returns [T, heads * head_dim]. Gradients flow to qkv. On a GPU: varlen flash attention; on a CPU: own blocked kernel.
// Documents with `parent` >= 0 (shared prompts) are refused here until preference training brings them.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

#include "kernels/packed_batch.h"

namespace phidias::kernels {

// Blocks of keys that a query block sees; the pattern of configs::BlockSparseConfig, of one layer. block_size 0: everything.
struct BlockSparsePattern {
  std::int64_t block_size = 0, local_blocks = 0, vertical_stride = 0;
  std::int64_t head_step = 0;  // head h sees the columns j with (j + 1 + h * head_step) % vertical_stride == 0
  bool sees(std::int64_t head, std::int64_t query_block, std::int64_t key_block) const {
    return key_block <= query_block && (query_block - key_block < local_blocks || (key_block + 1 + head * head_step) % vertical_stride == 0);
  }
};

// Rows of a token in qkv. separate: all query heads, all key heads, all value heads. grouped (Phi-3-small): for every kv head its query heads, its key, its
// value.
enum class QkvLayout { separate, grouped };

struct AttentionShape {
  std::int64_t heads = 0, kv_heads = 0, head_dim = 0, rotary_dim = 0;
  std::int64_t window = 0;
  double scale = 0.0;  // usually head_dim^-0.5
  QkvLayout layout = QkvLayout::separate;
  BlockSparsePattern sparse;  // blocks count from the first token of each document
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
