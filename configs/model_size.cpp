// Parameters and operations of a model: the counting functions of configs/model_config.h.
#include <algorithm>
#include <cmath>

#include "configs/model_config.h"

namespace phidias::configs {

namespace {

struct Count {
  std::int64_t matrices = 0;  // in a product with a token's vector
  std::int64_t others = 0;    // norms and biases
};

Count attention_count(const ModelConfig& c) {
  Count count{.matrices = c.qkv_rows() * c.hidden_size + c.hidden_size * c.num_heads * c.head_dim};
  if (c.attention_bias || c.architecture == Architecture::phi3small) count.others = c.qkv_rows() + c.hidden_size;
  return count;
}

// One block's MLP or mixture, with `experts` of its experts.
Count mlp_count(const ModelConfig& c, std::int64_t experts) {
  const std::int64_t mlp = 3 * c.hidden_size * c.intermediate_size;
  if (c.architecture == Architecture::phimoe) return {.matrices = experts * mlp + c.num_experts * c.hidden_size};  // the router sees every token
  return {.matrices = mlp, .others = c.architecture == Architecture::phi3small ? 2 * c.intermediate_size + c.hidden_size : 0};
}

// Everything but the embedding, whose rows are looked up; a tied one counts as the head.
Count count_with(const ModelConfig& c, std::int64_t experts) {
  const Count attention = attention_count(c), mlp = mlp_count(c, experts);
  const std::int64_t norm = c.architecture == Architecture::phi3 ? c.hidden_size : 2 * c.hidden_size;  // LayerNorm has a bias
  return {.matrices = c.num_layers * (attention.matrices + mlp.matrices) + c.vocab_size * c.hidden_size,
          .others = c.num_layers * (attention.others + mlp.others + 2 * norm) + norm + (c.head_bias ? c.vocab_size : 0)};
}

std::int64_t total_with(const ModelConfig& c, std::int64_t experts) {
  const Count count = count_with(c, experts);
  return count.matrices + count.others + (c.tied_head ? 0 : c.vocab_size * c.hidden_size);
}

// Blocks j <= i that query block i of a head sees: its last local_blocks, and below them those with (j + 1 + offset) % stride == 0.
std::int64_t visible_blocks(const BlockSparseConfig& c, std::int64_t i, std::int64_t offset) {
  if (i < c.local_blocks) return i + 1;
  const std::int64_t below = i - c.local_blocks + 1;
  return c.local_blocks + (below + offset) / c.vertical_stride - offset / c.vertical_stride;
}

}  // namespace

std::int64_t ModelConfig::parameter_count() const { return total_with(*this, num_experts); }

std::int64_t ModelConfig::active_parameter_count() const { return total_with(*this, experts_per_token); }

double block_sparse_mean_keys(const BlockSparseConfig& config, std::int64_t num_heads, std::int64_t length) {
  const std::int64_t head_step = config.homogeneous_heads ? 0 : std::max<std::int64_t>(1, config.vertical_stride / num_heads);
  double pairs = 0.0;
  for (std::int64_t begin = 0, i = 0; begin < length; begin += config.block_size, ++i) {
    const std::int64_t tokens = std::min(config.block_size, length - begin);
    std::int64_t blocks = 0;
    for (std::int64_t head = 0; head < num_heads; ++head) blocks += visible_blocks(config, i, head * head_step);
    const double whole = static_cast<double>((blocks - num_heads) * config.block_size * tokens);  // the query's own block is cut by causality
    pairs += whole + static_cast<double>(num_heads * tokens * (tokens + 1)) / 2.0;
  }
  return length == 0 ? 0.0 : pairs / static_cast<double>(num_heads * length);
}

double ModelConfig::flops_per_token(double mean_context) const {
  const double matrices = static_cast<double>(count_with(*this, experts_per_token).matrices);
  const double per_key = 12.0 * static_cast<double>(num_heads * head_dim);
  double keys = static_cast<double>(num_layers) * mean_context;
  if (architecture == Architecture::phi3small) {
    const std::int64_t dense = num_layers / block_sparse.dense_every, length = std::max<std::int64_t>(0, std::llround(2.0 * mean_context - 1.0));
    keys = static_cast<double>(dense) * mean_context + static_cast<double>(num_layers - dense) * block_sparse_mean_keys(block_sparse, num_heads, length);
  }
  return 6.0 * matrices + per_key * keys;
}

}  // namespace phidias::configs
