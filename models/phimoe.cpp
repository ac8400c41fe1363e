#include "models/phimoe.h"

#include "models/layers/recompute.h"

namespace phidias::models {

PhiMoeAttention::PhiMoeAttention(const configs::ModelConfig& config) {
  const std::int64_t query_rows = config.num_heads * config.head_dim, key_rows = config.num_kv_heads * config.head_dim;
  const std::vector<LinearPart> parts = {{"q_proj", query_rows}, {"k_proj", key_rows}, {"v_proj", key_rows}};
  qkv_proj_ = register_module("qkv_proj", std::make_shared<Linear>(config.hidden_size, config.qkv_rows(), config.attention_bias, parts));
  o_proj_ = register_module("o_proj", std::make_shared<Linear>(query_rows, config.hidden_size, config.attention_bias));
}

at::Tensor PhiMoeAttention::forward(const at::Tensor& x, const Attend& attend, std::size_t block, const at::Tensor& draw_keys) {
  return o_proj_->forward(attend(qkv_proj_->forward(x, draw_keys), block), draw_keys);
}

PhiMoeBlock::PhiMoeBlock(const configs::ModelConfig& config, const kernels::ExpertRanks& ranks)
    : input_layernorm_(register_module("input_layernorm", std::make_shared<LayerNorm>(config.hidden_size, config.rms_norm_eps))),
      self_attn_(register_module("self_attn", std::make_shared<PhiMoeAttention>(config))),
      post_attention_layernorm_(register_module("post_attention_layernorm", std::make_shared<LayerNorm>(config.hidden_size, config.rms_norm_eps))),
      block_sparse_moe_(register_module("block_sparse_moe", std::make_shared<SparseMoe>(config, ranks))) {}

std::pair<at::Tensor, at::Tensor> PhiMoeBlock::forward(const at::Tensor& x, const at::Tensor& update, const BlockContext& context) {
  const auto [residual, normed] = input_layernorm_->forward(x, update);
  const auto [after_attention, moe_input] =
      post_attention_layernorm_->forward(residual, self_attn_->forward(normed, context.attend, context.block, context.draw_keys));
  const auto run = [moe = block_sparse_moe_, block = context.block, options = context.options, keys = context.draw_keys](const at::Tensor& input) {
    return moe->forward(input, block, options, keys);
  };
  if (context.options.recompute != Recompute::mlp) return {after_attention, run(moe_input)};
  RecomputedSegment segment;
  segment.run = run;
  return {after_attention, recompute(std::move(segment), moe_input, block_sparse_moe_->trainable())};
}

DecoderParts phimoe_parts(const configs::ModelConfig& config, const kernels::ExpertRanks& ranks) {
  DecoderParts parts;
  for (std::int64_t i = 0; i < config.num_layers; ++i) parts.blocks.push_back(std::make_shared<PhiMoeBlock>(config, ranks));
  parts.norm = std::make_shared<LayerNorm>(config.hidden_size, config.rms_norm_eps);
  parts.collective = ranks.size > 1;
  return parts;
}

}  // namespace phidias::models
