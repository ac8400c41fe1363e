#include "models/phi3.h"

#include "models/layers/recompute.h"

namespace phidias::models {

Phi3Block::Phi3Block(const configs::ModelConfig& config)
    : input_layernorm_(register_module("input_layernorm", std::make_shared<RmsNorm>(config.hidden_size, config.rms_norm_eps))),
      self_attn_(register_module("self_attn", std::make_shared<SelfAttention>(config))),
      post_attention_layernorm_(register_module("post_attention_layernorm", std::make_shared<RmsNorm>(config.hidden_size, config.rms_norm_eps))),
      mlp_(register_module("mlp", std::make_shared<Mlp>(config))) {}

std::pair<at::Tensor, at::Tensor> Phi3Block::forward(const at::Tensor& x, const at::Tensor& update, const BlockContext& context) {
  const auto [residual, normed] = input_layernorm_->forward(x, update);
  auto [after_attention, mlp_input] =
      post_attention_layernorm_->forward(residual, self_attn_->forward(normed, context.attend, context.block, context.draw_keys));
  if (context.options.recompute != Recompute::mlp) return {after_attention, mlp_->forward(mlp_input, context.draw_keys)};

  RecomputedSegment segment;
  segment.run = [mlp = mlp_, keys = context.draw_keys](const at::Tensor& input) { return mlp->forward(input, keys); };
  return {after_attention, recompute(std::move(segment), mlp_input, mlp_->trainable())};
}

DecoderParts phi3_parts(const configs::ModelConfig& config) {
  DecoderParts parts;
  for (std::int64_t i = 0; i < config.num_layers; ++i) parts.blocks.push_back(std::make_shared<Phi3Block>(config));
  parts.norm = std::make_shared<RmsNorm>(config.hidden_size, config.rms_norm_eps);
  return parts;
}

}  // namespace phidias::models
