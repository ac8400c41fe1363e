#include "models/layers/attention.h"

#include <cmath>

namespace phidias::models {

kernels::AttentionShape attention_shape(const configs::ModelConfig& config, std::size_t, bool inclusive_window) {
  kernels::AttentionShape shape;
  shape.heads = config.num_heads;
  shape.kv_heads = config.num_kv_heads;
  shape.head_dim = config.head_dim;
  shape.rotary_dim = config.rotary_dim();
  shape.scale = 1.0 / std::sqrt(static_cast<double>(config.head_dim));
  shape.window = config.sliding_window > 0 && inclusive_window ? config.sliding_window + 1 : config.sliding_window;
  return shape;
}

SelfAttention::SelfAttention(const configs::ModelConfig& config)
    : qkv_proj_(register_module("qkv_proj", std::make_shared<Linear>(config.hidden_size, config.qkv_rows()))),
      o_proj_(register_module("o_proj", std::make_shared<Linear>(config.num_heads * config.head_dim, config.hidden_size))) {}

}  // namespace phidias::models
