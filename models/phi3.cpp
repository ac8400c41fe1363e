#include "models/phi3.h"

#include "models/layers/mlp.h"
#include "models/layers/rms_norm.h"

namespace phidias::models {

DecoderParts phi3_parts(const configs::ModelConfig& config) {
  const auto norm = [&config] { return std::make_shared<RmsNorm>(config.hidden_size, config.rms_norm_eps); };
  DecoderParts parts;
  for (std::int64_t i = 0; i < config.num_layers; ++i) {
    const auto qkv = std::make_shared<Linear>(config.hidden_size, config.qkv_rows());
    const auto out = std::make_shared<Linear>(config.num_heads * config.head_dim, config.hidden_size);
    const auto attention = std::make_shared<SelfAttention>("qkv_proj", qkv, "o_proj", out);
    parts.blocks.push_back(std::make_shared<DecoderBlock>(norm(), attention, norm(), "mlp", std::make_shared<Mlp>(config)));
  }
  parts.norm = norm();
  return parts;
}

}  // namespace phidias::models
