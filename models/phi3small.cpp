#include "models/phi3small.h"

#include <cmath>
#include <limits>
#include <string>

#include "kernels/draws.h"
#include "kernels/dropout.h"
#include "kernels/gegelu.h"
#include "models/layers/recompute.h"

namespace phidias::models {

namespace {

// A biased linear layer with the first values of Phi-3-small.
class Projection : public Linear {
 public:
  Projection(std::int64_t in, std::int64_t out, double weight_scale = 1.0) : Linear(in, out, /*bias=*/true), in_(in), weight_scale_(weight_scale) {}

 protected:
  void name_tensors(const std::string& path, ParameterDeclaration& declaration) const override {
    Linear::name_tensors(path, declaration);
    if (declaration.name == path + "weight") declaration.scale = weight_scale_;
    if (declaration.name != path + "bias") return;
    declaration.initialisation = Initialisation::uniform;
    declaration.scale = 1.0 / std::sqrt(static_cast<double>(in_));
  }

 private:
  std::int64_t in_;
  double weight_scale_;
};

}  // namespace

Phi3SmallAttention::Phi3SmallAttention(const configs::ModelConfig& config)
    : query_key_value_(register_module("query_key_value", std::make_shared<Projection>(config.hidden_size, config.qkv_rows()))),
      dense_(register_module("dense", std::make_shared<Projection>(config.num_heads * config.head_dim, config.hidden_size))) {}

at::Tensor Phi3SmallAttention::forward(const at::Tensor& x, const Attend& attend, std::size_t block, const at::Tensor& draw_keys) {
  return dense_->forward(attend(query_key_value_->forward(x, draw_keys), block), draw_keys);
}

Phi3SmallMlp::Phi3SmallMlp(const configs::ModelConfig& config)
    : up_proj_(register_module("up_proj", std::make_shared<Projection>(config.hidden_size, 2 * config.intermediate_size))),
      down_proj_(register_module("down_proj", std::make_shared<Projection>(config.intermediate_size, config.hidden_size,
                                                                           1.0 / std::sqrt(2.0 * static_cast<double>(config.num_layers))))),
      limit_(config.gegelu_limit > 0 ? config.gegelu_limit : std::numeric_limits<double>::infinity()),
      dropout_(config.ffn_dropout) {}

at::Tensor Phi3SmallMlp::forward(const at::Tensor& x, std::size_t block, const at::Tensor& draw_keys) {
  const at::Tensor y = down_proj_->forward(kernels::gegelu(up_proj_->forward(x, draw_keys), limit_), draw_keys);
  return dropout_ > 0 ? kernels::dropout(y, dropout_, draw_keys, kernels::draw_site(RandomSite::dropout, block)) : y;
}

Phi3SmallBlock::Phi3SmallBlock(const configs::ModelConfig& config)
    : input_layernorm_(register_module("input_layernorm", std::make_shared<LayerNorm>(config.hidden_size, config.rms_norm_eps))),
      self_attn_(register_module("self_attn", std::make_shared<Phi3SmallAttention>(config))),
      post_attention_layernorm_(register_module("post_attention_layernorm", std::make_shared<LayerNorm>(config.hidden_size, config.rms_norm_eps))),
      mlp_(register_module("mlp", std::make_shared<Phi3SmallMlp>(config))) {}

std::pair<at::Tensor, at::Tensor> Phi3SmallBlock::forward(const at::Tensor& x, const at::Tensor& update, const BlockContext& context) {
  const auto [residual, normed] = input_layernorm_->forward(x, update);
  const auto [after_attention, mlp_input] =
      post_attention_layernorm_->forward(residual, self_attn_->forward(normed, context.attend, context.block, context.draw_keys));
  if (context.options.recompute != Recompute::mlp) return {after_attention, mlp_->forward(mlp_input, context.block, context.draw_keys)};

  RecomputedSegment segment;
  segment.run = [mlp = mlp_, block = context.block, keys = context.draw_keys](const at::Tensor& input) { return mlp->forward(input, block, keys); };
  return {after_attention, recompute(std::move(segment), mlp_input, mlp_->trainable())};
}

DecoderParts phi3small_parts(const configs::ModelConfig& config) {
  DecoderParts parts;
  for (std::int64_t i = 0; i < config.num_layers; ++i) parts.blocks.push_back(std::make_shared<Phi3SmallBlock>(config));
  parts.norm = std::make_shared<LayerNorm>(config.hidden_size, config.rms_norm_eps);
  parts.norm_name = "final_layernorm";
  return parts;
}

}  // namespace phidias::models
