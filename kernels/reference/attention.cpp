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

// Rows of the fused projection -> [T, n, head_dim].
at::Tensor heads_of(const at::Tensor& qkv, std::int64_t first, std::int64_t count, const AttentionShape& shape) {
  return qkv.narrow(1, first * shape.head_dim, count * shape.head_dim).unflatten(1, {count, shape.head_dim});
}

// q [n, Tq, D], k and v [n, Tk, D], visible [Tq, Tk] -> [n, Tq, D].
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
  const at::Tensor q_all = rotate_half(heads_of(qkv, 0, shape.heads, shape), cos, sin);
  const at::Tensor k_all = rotate_half(heads_of(qkv, shape.heads, shape.kv_heads, shape), cos, sin);
  const at::Tensor v_all = heads_of(qkv, shape.heads + shape.kv_heads, shape.kv_heads, shape);
  const std::int64_t group = shape.heads / shape.kv_heads;
  std::vector<at::Tensor> outputs{qkv.narrow(0, 0, 0).narrow(1, 0, shape.heads * shape.head_dim)};
  for (std::size_t d = 0; d + 1 < documents.size(); d += 2) {
    const std::int64_t begin = documents[d], length = documents[d + 1] - begin;
    const at::Tensor q = q_all.narrow(0, begin, length).transpose(0, 1);
    const at::Tensor k = k_all.narrow(0, begin, length).transpose(0, 1).repeat_interleave(group, 0);
    const at::Tensor v = v_all.narrow(0, begin, length).transpose(0, 1).repeat_interleave(group, 0);
    const at::Tensor index = at::arange(length, qkv.options().dtype(at::kLong));
    const at::Tensor distance = index.unsqueeze(1) - index.unsqueeze(0);
    at::Tensor visible = distance.ge(0);
    if (shape.window > 0) visible = visible.logical_and(distance.lt(shape.window));
    outputs.push_back(attend(q, k, v, visible, shape.scale).transpose(0, 1).reshape({length, shape.heads * shape.head_dim}));
  }
  return at::cat(outputs, 0);
}

void store_keys_values(const at::Tensor& qkv, const at::Tensor& cos, const at::Tensor& sin, const std::vector<std::int64_t>& documents,
                       const at::Tensor& positions, const std::vector<std::int64_t>& sequences, const AttentionShape& shape, KeyValueCache& cache) {
  const at::Tensor k_all = rotate_half(heads_of(qkv, shape.heads, shape.kv_heads, shape), cos, sin);
  const at::Tensor v_all = heads_of(qkv, shape.heads + shape.kv_heads, shape.kv_heads, shape);
  for (std::size_t d = 0; d + 1 < documents.size(); d += 2) {
    const std::int64_t begin = documents[d], length = documents[d + 1] - begin, slot = sequences[d / 2];
    const at::Tensor rows = positions.narrow(0, begin, length).to(at::kLong);
    cache.keys.select(0, slot).index_copy_(1, rows, k_all.narrow(0, begin, length).transpose(0, 1));
    cache.values.select(0, slot).index_copy_(1, rows, v_all.narrow(0, begin, length).transpose(0, 1));
  }
}

at::Tensor decode_attention(const at::Tensor& qkv, const at::Tensor& cos, const at::Tensor& sin, const std::vector<std::int64_t>& sequences,
                            const std::vector<std::int64_t>& lengths, const AttentionShape& shape, KeyValueCache& cache) {
  const at::Tensor q_all = rotate_half(heads_of(qkv, 0, shape.heads, shape), cos, sin);
  const at::Tensor k_all = rotate_half(heads_of(qkv, shape.heads, shape.kv_heads, shape), cos, sin);
  const at::Tensor v_all = heads_of(qkv, shape.heads + shape.kv_heads, shape.kv_heads, shape);
  const std::int64_t group = shape.heads / shape.kv_heads;
  at::Tensor output = at::empty({qkv.size(0), shape.heads * shape.head_dim}, qkv.options());
  for (std::size_t b = 0; b < sequences.size(); ++b) {
    const std::int64_t row = static_cast<std::int64_t>(b), length = lengths[b];
    at::Tensor keys = cache.keys.select(0, sequences[b]), values = cache.values.select(0, sequences[b]);
    keys.select(1, length).copy_(k_all.select(0, row));
    values.select(1, length).copy_(v_all.select(0, row));
    const std::int64_t first = shape.window > 0 ? std::max<std::int64_t>(0, length + 1 - shape.window) : 0, count = length + 1 - first;
    const at::Tensor k = keys.narrow(1, first, count).repeat_interleave(group, 0), v = values.narrow(1, first, count).repeat_interleave(group, 0);
    const at::Tensor visible = at::zeros({1, count}, qkv.options().dtype(at::kBool)).logical_not();
    output.select(0, row).copy_(attend(q_all.select(0, row).unsqueeze(1), k, v, visible, shape.scale).flatten());
  }
  return output;
}

}  // namespace phidias::kernels::reference
