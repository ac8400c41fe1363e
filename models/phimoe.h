// PhimoeForCausalLM (transformers 4.57.3): Phi-3.5-MoE, GRIN-MoE. LayerNorm, biased attention and head, a mixture of experts in every block.
//
// In the checkpoint q_proj, k_proj and v_proj are separate; here they are rows of one projection. LongRoPE's factors come from the file (short_mscale,
// long_mscale). With an expert axis the model is collective: every rank runs it equally often, without tokens if need be.
#pragma once

#include <utility>

#include "models/decoder.h"
#include "models/layers/layer_norm.h"
#include "models/layers/moe.h"

namespace phidias::models {

class PhiMoeAttention : public Layer {
 public:
  explicit PhiMoeAttention(const configs::ModelConfig& config);
  // draw_keys: of the adapters' dropout.
  at::Tensor forward(const at::Tensor& x, const Attend& attend, std::size_t block, const at::Tensor& draw_keys);

 private:
  std::shared_ptr<Linear> qkv_proj_, o_proj_;
};

class PhiMoeBlock : public DecoderBlock {
 public:
  PhiMoeBlock(const configs::ModelConfig& config, const kernels::ExpertRanks& ranks);
  std::pair<at::Tensor, at::Tensor> forward(const at::Tensor& x, const at::Tensor& update, const BlockContext& context) override;

 private:
  std::shared_ptr<LayerNorm> input_layernorm_;
  std::shared_ptr<PhiMoeAttention> self_attn_;
  std::shared_ptr<LayerNorm> post_attention_layernorm_;
  std::shared_ptr<SparseMoe> block_sparse_moe_;
};

DecoderParts phimoe_parts(const configs::ModelConfig& config, const kernels::ExpertRanks& ranks);

}  // namespace phidias::models
