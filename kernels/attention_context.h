// What the attention Functions of both devices share: the shape carried through an autograd context, and the documents they refuse. Internal.
#pragma once

#include "base/error.h"
#include "kernels/attention.h"
#include "kernels/autograd.h"

namespace phidias::kernels {

inline void save_shape(torch::autograd::AutogradContext* ctx, const AttentionShape& shape) {
  ctx->saved_data["shape"] = std::vector<std::int64_t>{shape.heads,
                                                       shape.kv_heads,
                                                       shape.head_dim,
                                                       shape.rotary_dim,
                                                       shape.window,
                                                       static_cast<std::int64_t>(shape.layout),
                                                       shape.sparse.block_size,
                                                       shape.sparse.local_blocks,
                                                       shape.sparse.vertical_stride,
                                                       shape.sparse.head_step};
  ctx->saved_data["scale"] = shape.scale;
}

inline AttentionShape saved_shape(torch::autograd::AutogradContext* ctx) {
  const std::vector<std::int64_t> n = ctx->saved_data["shape"].toIntVector();
  return {n[0], n[1], n[2], n[3], n[4], ctx->saved_data["scale"].toDouble(), static_cast<QkvLayout>(n[5]), {n[6], n[7], n[8], n[9]}};
}

inline void refuse_shared_prompt(const data::Segment& segment) {
  if (segment.parent >= 0) throw ConfigError("attention over documents that share a prompt is not available; give each its own copy of the prompt");
}

}  // namespace phidias::kernels
