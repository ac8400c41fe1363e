#include <ATen/TensorOperators.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/matmul.h>
#include <ATen/ops/softmax.h>
#include <ATen/ops/zeros.h>

#include <algorithm>
#include <limits>

#include "kernels/reference/reference.h"

namespace phidias::kernels::reference {
namespace {

at::ScalarType score_type(const at::Tensor& x) { return x.scalar_type() == at::kDouble ? at::kDouble : at::kFloat; }

// Rows of the fused projection as [T, n, head_dim] each, whatever their layout.
struct Heads {
  Heads(const at::Tensor& qkv, const AttentionShape& shape) {
    const std::int64_t group = shape.heads / shape.kv_heads;
    if (shape.layout == QkvLayout::grouped) {
      const at::Tensor rows = qkv.unflatten(1, {shape.kv_heads, group + 2, shape.head_dim});
      q = rows.narrow(2, 0, group).flatten(1, 2);
      k = rows.select(2, group);
      v = rows.select(2, group + 1);
      return;
    }
    const at::Tensor rows = qkv.unflatten(1, {shape.heads + 2 * shape.kv_heads, shape.head_dim});
    q = rows.narrow(1, 0, shape.heads);
    k = rows.narrow(1, shape.heads, shape.kv_heads);
    v = rows.narrow(1, shape.heads + shape.kv_heads, shape.kv_heads);
  }
  at::Tensor q, k, v;
};

// [1 or heads, queries, keys] true where a query sees a key: queries [first, first + queries) of a document against its keys [0, keys).
at::Tensor visible_keys(std::int64_t first, std::int64_t queries, std::int64_t keys, const AttentionShape& shape, const at::Device& device) {
  const at::TensorOptions index = at::TensorOptions().dtype(at::kLong).device(device);
  const at::Tensor query = at::arange(first, first + queries, index).unsqueeze(1), key = at::arange(keys, index).unsqueeze(0);
  at::Tensor visible = query.sub(key).ge(0);
  if (shape.window > 0) visible = visible.logical_and(query.sub(key).lt(shape.window));
  visible = visible.unsqueeze(0);
  const BlockSparsePattern& sparse = shape.sparse;
  if (sparse.block_size == 0) return visible;
  const at::Tensor query_block = query.floor_divide(sparse.block_size).unsqueeze(0), key_block = key.floor_divide(sparse.block_size).unsqueeze(0);
  const at::Tensor shift = at::arange(shape.heads, index).mul(sparse.head_step).add(1).view({shape.heads, 1, 1});
  const at::Tensor in_column = key_block.add(shift).remainder(sparse.vertical_stride).eq(0);
  return visible.logical_and(query_block.sub(key_block).lt(sparse.local_blocks).logical_or(in_column));
}

// q [n, Tq, D], k and v [n, Tk, D], visible [1 or n, Tq, Tk] -> [n, Tq, D].
at::Tensor attend(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v, const at::Tensor& visible, double scale) {
  const at::Tensor scores =
      (at::matmul(q, k.transpose(1, 2)).to(score_type(q)) * scale).masked_fill(visible.logical_not(), -std::numeric_limits<double>::infinity());
  return at::matmul(at::softmax(scores, -1).to(v.scalar_type()), v);
}

}  // namespace

at::Tensor rotate_half(const at::Tensor& x, const at::Tensor& cos, const at::Tensor& sin) {
  const std::int64_t half = cos.size(1), rest = x.size(2) - 2 * half;
  const at::ScalarType type = score_type(x);
  const at::Tensor wide = x.to(type), c = cos.to(type).unsqueeze(1), s = sin.to(type).unsqueeze(1);
  const at::Tensor first = wide.narrow(2, 0, half), second = wide.narrow(2, half, half);
  return at::cat({first * c - second * s, second * c + first * s, wide.narrow(2, 2 * half, rest)}, 2).to(x.scalar_type());
}

at::Tensor packed_attention(const at::Tensor& qkv, const at::Tensor& cos, const at::Tensor& sin, const std::vector<std::int64_t>& documents,
                            const AttentionShape& shape) {
  const Heads heads(qkv, shape);
  const at::Tensor q_all = rotate_half(heads.q, cos, sin), k_all = rotate_half(heads.k, cos, sin);
  const std::int64_t group = shape.heads / shape.kv_heads;
  std::vector<at::Tensor> outputs{qkv.narrow(0, 0, 0).narrow(1, 0, shape.heads * shape.head_dim)};
  for (std::size_t d = 0; d + 1 < documents.size(); d += 2) {
    const std::int64_t begin = documents[d], length = documents[d + 1] - begin;
    const at::Tensor q = q_all.narrow(0, begin, length).transpose(0, 1);
    const at::Tensor k = k_all.narrow(0, begin, length).transpose(0, 1).repeat_interleave(group, 0);
    const at::Tensor v = heads.v.narrow(0, begin, length).transpose(0, 1).repeat_interleave(group, 0);
    const at::Tensor visible = visible_keys(0, length, length, shape, qkv.device());
    outputs.push_back(attend(q, k, v, visible, shape.scale).transpose(0, 1).reshape({length, shape.heads * shape.head_dim}));
  }
  return at::cat(outputs, 0);
}

void store_keys_values(const at::Tensor& qkv, const at::Tensor& cos, const at::Tensor& sin, const std::vector<std::int64_t>& documents,
                       const at::Tensor& positions, const std::vector<std::int64_t>& sequences, const AttentionShape& shape, KeyValueCache& cache) {
  const Heads heads(qkv, shape);
  const at::Tensor k_all = rotate_half(heads.k, cos, sin);
  for (std::size_t d = 0; d + 1 < documents.size(); d += 2) {
    const std::int64_t begin = documents[d], length = documents[d + 1] - begin, slot = sequences[d / 2];
    const at::Tensor rows = positions.narrow(0, begin, length).to(at::kLong);
    cache.keys.select(0, slot).index_copy_(1, rows, k_all.narrow(0, begin, length).transpose(0, 1));
    cache.values.select(0, slot).index_copy_(1, rows, heads.v.narrow(0, begin, length).transpose(0, 1));
  }
}

at::Tensor decode_attention(const at::Tensor& qkv, const at::Tensor& cos, const at::Tensor& sin, const std::vector<std::int64_t>& sequences,
                            const std::vector<std::int64_t>& lengths, const AttentionShape& shape, KeyValueCache& cache) {
  const Heads heads(qkv, shape);
  const at::Tensor q_all = rotate_half(heads.q, cos, sin), k_all = rotate_half(heads.k, cos, sin);
  const std::int64_t group = shape.heads / shape.kv_heads;
  at::Tensor output = at::empty({qkv.size(0), shape.heads * shape.head_dim}, qkv.options());
  for (std::size_t b = 0; b < sequences.size(); ++b) {
    const std::int64_t row = static_cast<std::int64_t>(b), length = lengths[b];
    at::Tensor keys = cache.keys.select(0, sequences[b]), values = cache.values.select(0, sequences[b]);
    keys.select(1, length).copy_(k_all.select(0, row));
    values.select(1, length).copy_(heads.v.select(0, row));
    const at::Tensor k = keys.narrow(1, 0, length + 1).repeat_interleave(group, 0), v = values.narrow(1, 0, length + 1).repeat_interleave(group, 0);
    const at::Tensor visible = visible_keys(length, 1, length + 1, shape, qkv.device());
    output.select(0, row).copy_(attend(q_all.select(0, row).unsqueeze(1), k, v, visible, shape.scale).flatten());
  }
  return output;
}

}  // namespace phidias::kernels::reference
