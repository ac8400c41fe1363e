#include "kernels/attention_cuda.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/_flash_attention_backward.h>
#include <ATen/ops/_flash_attention_forward.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/empty_like.h>
#include <ATen/ops/from_blob.h>
#include <ATen/ops/scaled_dot_product_attention.h>

#include <algorithm>

#include "kernels/attention_context.h"
#include "kernels/autograd.h"
#include "kernels/cuda_backend.h"

namespace phidias::kernels {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

// Views of a packed row in `layout`: [T, heads, head_dim] each; queries of grouped rows [T, kv_heads, group, head_dim].
struct Heads {
  Heads(const at::Tensor& qkv, const AttentionShape& shape, QkvLayout layout = QkvLayout::separate) {
    if (layout == QkvLayout::grouped) {
      const std::int64_t group = shape.heads / shape.kv_heads;
      const at::Tensor rows = qkv.view({qkv.size(0), shape.kv_heads, group + 2, shape.head_dim});
      q = rows.narrow(2, 0, group);
      k = rows.select(2, group);
      v = rows.select(2, group + 1);
      return;
    }
    const at::Tensor rows = qkv.view({qkv.size(0), shape.heads + 2 * shape.kv_heads, shape.head_dim});
    q = rows.narrow(1, 0, shape.heads);
    k = rows.narrow(1, shape.heads, shape.kv_heads);
    v = rows.narrow(1, shape.heads + shape.kv_heads, shape.kv_heads);
  }
  at::Tensor q, k, v;
};

// Rotated rows are always in the separate layout; the gradient goes back into the layout of qkv.
at::Tensor rotated(const at::Tensor& qkv, const at::Tensor& cos, const at::Tensor& sin, const AttentionShape& shape) {
  const Heads heads(qkv, shape, shape.layout);
  at::Tensor out = at::empty_like(qkv);
  require_cuda().rotary_pack(heads.q, heads.k, heads.v, cos, sin, shape.rotary_dim, /*inverse=*/false, QkvLayout::separate, out);
  return out;
}

// Flash attention counts the keys to the left of the query, without the query itself; a window no document reaches is none.
struct FlashWindow {
  FlashWindow(const AttentionShape& shape, std::int64_t longest) {
    if (shape.window > 0 && shape.window < longest) left = shape.window - 1;
  }
  std::int64_t left = -1;
  bool causal() const { return left < 0; }
};

struct FlashOutput {
  at::Tensor out, log_sum_exp, rng_state, unused;
};

FlashOutput flash_forward(const at::Tensor& qkv, const at::Tensor& offsets, std::int64_t longest, const AttentionShape& shape) {
  const Heads heads(qkv, shape);
  const FlashWindow window(shape, longest);
  auto [out, log_sum_exp, rng_state, unused, debug] =
      at::_flash_attention_forward(heads.q, heads.k, heads.v, offsets, offsets, longest, longest, /*dropout_p=*/0.0, window.causal(),
                                   /*return_debug_mask=*/false, shape.scale, window.left, /*window_size_right=*/0);
  return {out, log_sum_exp, rng_state, unused};
}

struct FlashAttention : torch::autograd::Function<FlashAttention> {
  static at::Tensor forward(AutogradContext* ctx, const at::Tensor& qkv, const at::Tensor& cos, const at::Tensor& sin, const at::Tensor& offsets,
                            std::int64_t longest, const AttentionShape& shape) {
    const at::Tensor turned = rotated(qkv, cos, sin, shape);
    const FlashOutput flash = flash_forward(turned, offsets, longest, shape);
    ctx->save_for_backward({turned, cos, sin, offsets, flash.out, flash.log_sum_exp, flash.rng_state, flash.unused});
    ctx->saved_data["longest"] = longest;
    save_shape(ctx, shape);
    return flash.out.view({qkv.size(0), shape.heads * shape.head_dim});
  }

  static variable_list backward(AutogradContext* ctx, const variable_list& gradients) {
    const variable_list saved = ctx->get_saved_variables();
    const at::Tensor &turned = saved[0], &cos = saved[1], &sin = saved[2], &offsets = saved[3], &out = saved[4];
    const AttentionShape shape = saved_shape(ctx);
    const std::int64_t longest = ctx->saved_data["longest"].toInt();
    const FlashWindow window(shape, longest);
    const Heads heads(turned, shape);
    const at::Tensor d_out = gradients[0].contiguous().view(out.sizes());
    const auto [dq, dk, dv] =
        at::_flash_attention_backward(d_out, heads.q, heads.k, heads.v, out, saved[5], offsets, offsets, longest, longest, /*dropout_p=*/0.0, window.causal(),
                                      saved[6], saved[7], shape.scale, window.left, /*window_size_right=*/0);
    at::Tensor d_qkv = at::empty_like(turned);
    require_cuda().rotary_pack(dq, dk, dv, cos, sin, shape.rotary_dim, /*inverse=*/true, shape.layout, d_qkv);
    return {d_qkv, at::Tensor(), at::Tensor(), at::Tensor(), at::Tensor(), at::Tensor()};
  }
};

// Documents cut where the pattern's blocks end and after kSparseTile rows (CudaBackend::block_sparse_forward).
at::Tensor sparse_tiles(const std::vector<data::Segment>& documents, const AttentionShape& shape, const at::Device& device) {
  std::vector<std::int32_t> tiles;
  for (const data::Segment& document : documents) {
    const std::int64_t length = document.end - document.begin, block = shape.sparse.block_size;
    for (std::int64_t first = 0, end = 0; first < length; first = end) {
      end = std::min({first + CudaBackend::kSparseTile, (first / block + 1) * block, length});
      tiles.insert(tiles.end(), {static_cast<std::int32_t>(document.begin), static_cast<std::int32_t>(document.end),
                                 static_cast<std::int32_t>(document.begin + first), static_cast<std::int32_t>(end - first)});
    }
  }
  return at::from_blob(tiles.data(), {static_cast<std::int64_t>(tiles.size()) / 4, 4}, at::kInt).to(device);
}

struct SparseOutput {
  at::Tensor out, log_sum_exp;
};

SparseOutput sparse_forward(const at::Tensor& turned, const at::Tensor& tiles, const AttentionShape& shape) {
  SparseOutput result{at::empty({turned.size(0), shape.heads * shape.head_dim}, turned.options()),
                      at::empty({shape.heads, turned.size(0)}, turned.options().dtype(at::kFloat))};
  require_cuda().block_sparse_forward(turned, tiles, shape, result.out, result.log_sum_exp);
  return result;
}

struct SparseAttention : torch::autograd::Function<SparseAttention> {
  static at::Tensor forward(AutogradContext* ctx, const at::Tensor& qkv, const at::Tensor& cos, const at::Tensor& sin, const at::Tensor& tiles,
                            const AttentionShape& shape) {
    const at::Tensor turned = rotated(qkv, cos, sin, shape);
    const SparseOutput result = sparse_forward(turned, tiles, shape);
    ctx->save_for_backward({turned, cos, sin, tiles, result.out, result.log_sum_exp});
    save_shape(ctx, shape);
    return result.out;
  }

  static variable_list backward(AutogradContext* ctx, const variable_list& gradients) {
    const variable_list saved = ctx->get_saved_variables();
    const AttentionShape shape = saved_shape(ctx);
    at::Tensor d_turned = at::empty_like(saved[0]), d_qkv = at::empty_like(saved[0]);
    require_cuda().block_sparse_backward(saved[0], saved[3], shape, saved[4], saved[5], gradients[0].contiguous(), d_turned);
    const Heads heads(d_turned, shape);
    require_cuda().rotary_pack(heads.q, heads.k, heads.v, saved[1], saved[2], shape.rotary_dim, /*inverse=*/true, shape.layout, d_qkv);
    return {d_qkv, at::Tensor(), at::Tensor(), at::Tensor(), at::Tensor()};
  }
};

struct Rotary : torch::autograd::Function<Rotary> {
  static at::Tensor forward(AutogradContext* ctx, const at::Tensor& qkv, const at::Tensor& cos, const at::Tensor& sin, const AttentionShape& shape) {
    ctx->save_for_backward({cos, sin});
    save_shape(ctx, shape);
    return rotated(qkv, cos, sin, shape);
  }

  static variable_list backward(AutogradContext* ctx, const variable_list& gradients) {
    const variable_list saved = ctx->get_saved_variables();
    const AttentionShape shape = saved_shape(ctx);
    const at::Tensor d_turned = gradients[0].contiguous();
    const Heads heads(d_turned, shape);
    at::Tensor d_qkv = at::empty_like(d_turned);
    require_cuda().rotary_pack(heads.q, heads.k, heads.v, saved[0], saved[1], shape.rotary_dim, /*inverse=*/true, shape.layout, d_qkv);
    return {d_qkv, at::Tensor(), at::Tensor(), at::Tensor()};
  }
};

// [L, L] true where query i sees key j.
at::Tensor window_mask(std::int64_t length, std::int64_t window, at::Device device) {
  const at::Tensor index = at::arange(length, at::TensorOptions().dtype(at::kLong).device(device));
  const at::Tensor distance = index.unsqueeze(1) - index.unsqueeze(0);
  return distance.ge(0).logical_and(distance.lt(window));
}

// One scaled-dot-product attention per document, on rotated rows; differentiable by autograd.
at::Tensor attention_by_document(const at::Tensor& turned, const std::vector<data::Segment>& documents, const AttentionShape& shape) {
  std::vector<at::Tensor> parts;
  for (const data::Segment& document : documents) {
    const std::int64_t length = document.end - document.begin;
    if (length == 0) continue;
    const Heads heads(turned.narrow(0, document.begin, length), shape);
    const auto by_head = [&](const at::Tensor& x) { return x.repeat_interleave(shape.heads / x.size(1), 1).transpose(0, 1).unsqueeze(0).contiguous(); };
    const bool windowed = shape.window > 0 && shape.window < length;
    const std::optional<at::Tensor> mask = windowed ? std::optional(window_mask(length, shape.window, turned.device())) : std::nullopt;
    const at::Tensor out = at::scaled_dot_product_attention(by_head(heads.q), by_head(heads.k), by_head(heads.v), mask, 0.0, !windowed, shape.scale);
    parts.push_back(out.squeeze(0).transpose(0, 1).reshape({length, shape.heads * shape.head_dim}));
  }
  return at::cat(parts);
}

bool flash_covers(const at::Tensor& qkv, const AttentionShape& shape) {
  return qkv.scalar_type() == at::kBFloat16 && shape.head_dim % 8 == 0 && shape.head_dim <= 256;
}

}  // namespace

at::Tensor packed_attention_cuda(const at::Tensor& qkv_in, const at::Tensor& cos, const at::Tensor& sin, const PackedBatch& batch,
                                 const AttentionShape& shape) {
  for (const data::Segment& segment : batch.segments) refuse_shared_prompt(segment);
  // A view, so that an empty stream stays part of the gradient's graph.
  if (qkv_in.size(0) == 0) return qkv_in.narrow(1, 0, shape.heads * shape.head_dim);
  const at::Tensor qkv = qkv_in.contiguous();
  if (shape.sparse.block_size > 0) {
    const at::Tensor tiles = sparse_tiles(batch.segments, shape, qkv.device());
    return records_gradients() ? SparseAttention::apply(qkv, cos, sin, tiles, shape) : sparse_forward(rotated(qkv, cos, sin, shape), tiles, shape).out;
  }
  if (!flash_covers(qkv, shape)) {
    return attention_by_document(records_gradients() ? Rotary::apply(qkv, cos, sin, shape) : rotated(qkv, cos, sin, shape), batch.segments, shape);
  }
  if (records_gradients()) return FlashAttention::apply(qkv, cos, sin, batch.document_offsets, batch.longest_document, shape);
  const at::Tensor out = flash_forward(rotated(qkv, cos, sin, shape), batch.document_offsets, batch.longest_document, shape).out;
  return out.view({qkv.size(0), shape.heads * shape.head_dim});
}

void store_keys_values_cuda(const at::Tensor& qkv, const at::Tensor& cos, const at::Tensor& sin, const PackedBatch& batch,
                            const std::vector<std::int64_t>& sequences, const AttentionShape& shape, KeyValueCache& cache) {
  require_cuda().store_keys_values(rotated(qkv.contiguous(), cos, sin, shape), batch.positions, batch.document_offsets, sequences, shape.heads, cache.keys,
                                   cache.values);
}

at::Tensor decode_attention_cuda(const at::Tensor& qkv, const at::Tensor& cos, const at::Tensor& sin, const std::vector<std::int64_t>& sequences,
                                 const std::vector<std::int64_t>& lengths, const AttentionShape& shape, KeyValueCache& cache) {
  at::Tensor out = at::empty({qkv.size(0), shape.heads * shape.head_dim}, qkv.options());
  require_cuda().decode_attention(rotated(qkv.contiguous(), cos, sin, shape), sequences, lengths, shape.heads, shape.window, shape.sparse, shape.scale,
                                  cache.keys, cache.values, out);
  return out;
}

}  // namespace phidias::kernels
