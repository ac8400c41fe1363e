// Phi3ForCausalLM (transformers 4.57.3): Phi-3 mini and medium, Phi-3.5-mini, Phi-4, Phi-4-mini. RmsNorm, projections without biases, SwiGLU.
#pragma once

#include <memory>
#include <utility>

#include "models/decoder.h"
#include "models/layers/mlp.h"
#include "models/layers/rms_norm.h"

namespace phidias::models {

class Phi3Block : public DecoderBlock {
 public:
  explicit Phi3Block(const configs::ModelConfig& config);
  std::pair<at::Tensor, at::Tensor> forward(const at::Tensor& x, const at::Tensor& update, const BlockContext& context) override;

 private:
  std::shared_ptr<RmsNorm> input_layernorm_;
  std::shared_ptr<SelfAttention> self_attn_;
  std::shared_ptr<RmsNorm> post_attention_layernorm_;
  std::shared_ptr<Mlp> mlp_;
};

DecoderParts phi3_parts(const configs::ModelConfig& config);

}  // namespace phidias::models
