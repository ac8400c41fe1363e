// Phi3ForCausalLM (transformers 4.57.3) on packed token streams: Phi-3 mini and medium, Phi-3.5-mini, Phi-4, Phi-4-mini.
//
// Per block, pre-norm: x1 = x + attention(norm(x)); x2 = x1 + mlp(norm(x1)); at the end norm and head. The residual stream travels between
// blocks as a sum that is not yet taken {x, update}, so that the addition is done inside the next norm in one pass over memory.
#pragma once

#include <utility>
#include <vector>

#include "models/causal_lm.h"
#include "models/layers/attention.h"
#include "models/layers/embedding.h"
#include "models/layers/mlp.h"
#include "models/layers/rms_norm.h"
#include "models/layers/rotary.h"

namespace phidias::models {

class Phi3Block : public Layer {
 public:
  explicit Phi3Block(const configs::ModelConfig& config);
  // {x, update} of the block's input -> {x1, mlp(norm(x1))}, whose sum is the block's output. An undefined update stands for zero.
  std::pair<at::Tensor, at::Tensor> forward(const at::Tensor& x, const at::Tensor& update, const Attend& attend, std::size_t block,
                                            const ForwardOptions& options);

 private:
  std::shared_ptr<RmsNorm> input_layernorm_;
  std::shared_ptr<SelfAttention> self_attn_;
  std::shared_ptr<RmsNorm> post_attention_layernorm_;
  std::shared_ptr<Mlp> mlp_;
};

class Phi3Model : public Layer {
 public:
  explicit Phi3Model(const configs::ModelConfig& config);
  // tokens [T] -> [T, hidden] after the final norm.
  at::Tensor forward(const at::Tensor& tokens, const Attend& attend, const ForwardOptions& options);
  kernels::Parameter& embedding() { return embed_tokens_->weight(); }

 private:
  std::int64_t pad_token_id_;
  std::shared_ptr<Embedding> embed_tokens_;
  std::shared_ptr<LayerList> layers_;
  std::shared_ptr<RmsNorm> norm_;
  std::vector<std::shared_ptr<Phi3Block>> blocks_;
};

class Phi3ForCausalLM : public Layer, public CausalLM {
 public:
  // Throws ConfigError when the numbers of the configuration do not fit together.
  explicit Phi3ForCausalLM(const configs::ModelConfig& config);

  const configs::ModelConfig& config() const override { return config_; }
  const std::vector<ParameterDeclaration>& declarations() const override { return declarations_; }
  at::Tensor forward(const kernels::PackedBatch& batch, const ForwardOptions& options) override;
  kernels::Head head() override;
  at::Tensor prefill(const kernels::PackedBatch& batch, const std::vector<std::int64_t>& sequences, std::vector<kernels::KeyValueCache>& caches) override;
  at::Tensor decode(const at::Tensor& tokens, const std::vector<std::int64_t>& sequences, const std::vector<std::int64_t>& lengths,
                    const std::vector<bool>& use_long, std::vector<kernels::KeyValueCache>& caches) override;

 private:
  configs::ModelConfig config_;
  RotaryTable rotary_;
  std::shared_ptr<Phi3Model> model_;
  std::shared_ptr<Linear> lm_head_;  // null: tied to the embedding
  std::vector<ParameterDeclaration> declarations_;
};

}  // namespace phidias::models
