// attention.h on CUDA tensors: rotary_pack, then varlen flash attention (bfloat16), an own kernel where a pattern masks blocks, or one scaled-dot-product
// attention per document (float32: exact but slow, for tests and comparisons). Called by the dispatch in attention.cpp; contracts as there.
#pragma once

#include "kernels/attention.h"

namespace phidias::kernels {

at::Tensor packed_attention_cuda(const at::Tensor& qkv, const at::Tensor& cos, const at::Tensor& sin, const PackedBatch& batch, const AttentionShape& shape);
void store_keys_values_cuda(const at::Tensor& qkv, const at::Tensor& cos, const at::Tensor& sin, const PackedBatch& batch,
                            const std::vector<std::int64_t>& sequences, const AttentionShape& shape, KeyValueCache& cache);
at::Tensor decode_attention_cuda(const at::Tensor& qkv, const at::Tensor& cos, const at::Tensor& sin, const std::vector<std::int64_t>& sequences,
                                 const std::vector<std::int64_t>& lengths, const AttentionShape& shape, KeyValueCache& cache);

}  // namespace phidias::kernels
