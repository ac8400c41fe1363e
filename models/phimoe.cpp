#include "models/phimoe.h"

#include "models/layers/layer_norm.h"
#include "models/layers/moe.h"

namespace phidias::models {

DecoderParts phimoe_parts(const configs::ModelConfig& config, const kernels::ExpertRanks& ranks) {
  const std::int64_t query_rows = config.num_heads * config.head_dim, key_rows = config.num_kv_heads * config.head_dim;
  const std::vector<LinearPart> rows = {{"q_proj", query_rows}, {"k_proj", key_rows}, {"v_proj", key_rows}};
  const auto norm = [&config] { return std::make_shared<LayerNorm>(config.hidden_size, config.rms_norm_eps); };
  DecoderParts parts;
  for (std::int64_t i = 0; i < config.num_layers; ++i) {
    const auto qkv = std::make_shared<Linear>(config.hidden_size, config.qkv_rows(), config.attention_bias, rows);
    const auto out = std::make_shared<Linear>(query_rows, config.hidden_size, config.attention_bias);
    const auto attention = std::make_shared<SelfAttention>("qkv_proj", qkv, "o_proj", out);
    parts.blocks.push_back(std::make_shared<DecoderBlock>(norm(), attention, norm(), "block_sparse_moe", std::make_shared<SparseMoe>(config, ranks)));
  }
  parts.norm = norm();
  parts.collective = ranks.size > 1;
  return parts;
}

}  // namespace phidias::models
