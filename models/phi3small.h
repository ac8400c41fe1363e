// Phi3SmallForCausalLM (Phi-3-small-8k and -128k; remote code modeling_phi3_small.py): LayerNorm, biases on every projection, query_key_value grouped by
// key head, alternating block-sparse and dense attention, clamped gegelu, dropout after the MLP, tied head over masked dummy ids.
//
// muP: the embedding is multiplied by mup_embedding_multiplier, attention is scaled by mup_attention_multiplier / head_dim, the logits are divided by
// mup_width_multiplier. First values: weights normal(0, initializer_range), mlp.down_proj narrower by sqrt(2 * layers), biases of projections
// uniform in (-1, 1) / sqrt(in), PyTorch's default.
#pragma once

#include <memory>
#include <utility>

#include "models/decoder.h"
#include "models/layers/layer_norm.h"

namespace phidias::models {

class Phi3SmallAttention : public Layer {
 public:
  explicit Phi3SmallAttention(const configs::ModelConfig& config);
  // draw_keys: of the adapters' dropout.
  at::Tensor forward(const at::Tensor& x, const Attend& attend, std::size_t block, const at::Tensor& draw_keys);

 private:
  std::shared_ptr<Linear> query_key_value_, dense_;
};

// dropout(down_proj(gegelu(up_proj(x)))); rows of up_proj alternate between the two branches.
class Phi3SmallMlp : public Layer {
 public:
  explicit Phi3SmallMlp(const configs::ModelConfig& config);
  at::Tensor forward(const at::Tensor& x, std::size_t block, const at::Tensor& draw_keys);  // [T, hidden] -> [T, hidden]

 private:
  std::shared_ptr<Linear> up_proj_, down_proj_;
  double limit_, dropout_;
};

class Phi3SmallBlock : public DecoderBlock {
 public:
  explicit Phi3SmallBlock(const configs::ModelConfig& config);
  std::pair<at::Tensor, at::Tensor> forward(const at::Tensor& x, const at::Tensor& update, const BlockContext& context) override;

 private:
  std::shared_ptr<LayerNorm> input_layernorm_;
  std::shared_ptr<Phi3SmallAttention> self_attn_;
  std::shared_ptr<LayerNorm> post_attention_layernorm_;
  std::shared_ptr<Phi3SmallMlp> mlp_;
};

DecoderParts phi3small_parts(const configs::ModelConfig& config);

}  // namespace phidias::models
