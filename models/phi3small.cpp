#include "models/phi3small.h"

#include <cmath>
#include <limits>
#include <string>

#include "kernels/draws.h"
#include "kernels/dropout.h"
#include "kernels/gegelu.h"
#include "models/layers/layer_norm.h"

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

// dropout(down_proj(gegelu(up_proj(x)))); rows of up_proj alternate between the two branches.
class Phi3SmallMlp : public FeedForward {
 public:
  explicit Phi3SmallMlp(const configs::ModelConfig& config)
      : up_proj_(register_module("up_proj", std::make_shared<Projection>(config.hidden_size, 2 * config.intermediate_size))),
        down_proj_(register_module("down_proj", std::make_shared<Projection>(config.intermediate_size, config.hidden_size,
                                                                             1.0 / std::sqrt(2.0 * static_cast<double>(config.num_layers))))),
        limit_(config.gegelu_limit > 0 ? config.gegelu_limit : std::numeric_limits<double>::infinity()),
        dropout_(config.ffn_dropout) {}

  at::Tensor forward(const at::Tensor& x, const BlockContext& context) override {
    const at::Tensor y = down_proj_->forward(kernels::gegelu(up_proj_->forward(x, context.draw_keys), limit_), context.draw_keys);
    return kernels::dropout(y, dropout_, context.draw_keys, kernels::draw_site(RandomSite::dropout, context.block));
  }

 private:
  std::shared_ptr<Linear> up_proj_, down_proj_;
  double limit_, dropout_;
};

}  // namespace

DecoderParts phi3small_parts(const configs::ModelConfig& config) {
  const auto norm = [&config] { return std::make_shared<LayerNorm>(config.hidden_size, config.rms_norm_eps); };
  DecoderParts parts;
  for (std::int64_t i = 0; i < config.num_layers; ++i) {
    const auto qkv = std::make_shared<Projection>(config.hidden_size, config.qkv_rows());
    const auto out = std::make_shared<Projection>(config.num_heads * config.head_dim, config.hidden_size);
    const auto attention = std::make_shared<SelfAttention>("query_key_value", qkv, "dense", out);
    parts.blocks.push_back(std::make_shared<DecoderBlock>(norm(), attention, norm(), "mlp", std::make_shared<Phi3SmallMlp>(config)));
  }
  parts.norm = norm();
  parts.norm_name = "final_layernorm";
  return parts;
}

}  // namespace phidias::models
