#include "models/layers/attention.h"

#include <algorithm>
#include <cmath>

namespace phidias::models {

namespace {

// Dense for every dense_every-th block, counted from 1; else the pattern.
kernels::BlockSparsePattern pattern_of(const configs::ModelConfig& config, std::size_t block) {
  const configs::BlockSparseConfig& sparse = config.block_sparse;
  const bool is_dense = sparse.block_size == 0 || (sparse.dense_every > 0 && (static_cast<std::int64_t>(block) + 1) % sparse.dense_every == 0);
  if (is_dense) return {};
  const std::int64_t step = std::max<std::int64_t>(1, sparse.vertical_stride / config.num_heads);
  return {sparse.block_size, sparse.local_blocks, sparse.vertical_stride, sparse.homogeneous_heads ? 0 : step};
}

}  // namespace

kernels::AttentionShape attention_shape(const configs::ModelConfig& config, std::size_t block, bool inclusive_window) {
  kernels::AttentionShape shape;
  shape.heads = config.num_heads;
  shape.kv_heads = config.num_kv_heads;
  shape.head_dim = config.head_dim;
  shape.rotary_dim = config.rotary_dim();
  shape.scale = 1.0 / std::sqrt(static_cast<double>(config.head_dim));
  shape.window = config.sliding_window > 0 && inclusive_window ? config.sliding_window + 1 : config.sliding_window;
  if (config.architecture == configs::Architecture::phi3small) {
    shape.scale = config.mup_attention_multiplier / static_cast<double>(config.head_dim);
    shape.layout = kernels::QkvLayout::grouped;
    shape.sparse = pattern_of(config, block);
  }
  return shape;
}

}  // namespace phidias::models
