// What all models of the family share: embedding, a stack of pre-norm blocks, final norm, head; training, prefill and decoding on packed streams.
//
// Per block: x1 = x + attention(norm(x)); x2 = x1 + mlp(norm(x1)). The residual stream travels between blocks as a sum that is not yet taken
// {x, update}, so that the addition is done inside the next norm in one pass over memory. An architecture (phi3, phimoe, phi3small) brings its
// norms, projections, feed-forward part and attention shape.
#pragma once

#include <memory>
#include <utility>
#include <vector>

#include "models/causal_lm.h"
#include "models/layers/attention.h"
#include "models/layers/embedding.h"
#include "models/layers/feed_forward.h"
#include "models/layers/linear.h"
#include "models/layers/norm.h"
#include "models/layers/rotary.h"

namespace phidias::models {

// One pre-norm block. Its norms are input_layernorm and post_attention_layernorm, its attention self_attn; the feed-forward part has a name of its own.
class DecoderBlock : public Layer {
 public:
  DecoderBlock(std::shared_ptr<Norm> before_attention, std::shared_ptr<SelfAttention> attention, std::shared_ptr<Norm> after_attention,
               const char* feed_forward_name, std::shared_ptr<FeedForward> feed_forward);
  // {x, update} of the block's input -> {x1, feed_forward(norm(x1))}, whose sum is the block's output. An undefined update stands for zero.
  std::pair<at::Tensor, at::Tensor> forward(const at::Tensor& x, const at::Tensor& update, const BlockContext& context);

 private:
  std::shared_ptr<Norm> input_layernorm_;
  std::shared_ptr<SelfAttention> self_attn_;
  std::shared_ptr<Norm> post_attention_layernorm_;
  std::shared_ptr<FeedForward> feed_forward_;
};

struct DecoderParts {
  std::vector<std::shared_ptr<DecoderBlock>> blocks;
  std::shared_ptr<Norm> norm;
  const char* norm_name = "norm";
  bool collective = false;  // CausalLM::collective
};

class Decoder : public Layer {
 public:
  Decoder(const configs::ModelConfig& config, DecoderParts parts);
  // tokens [T] -> [T, hidden] after the final norm. `context.block` is set here.
  at::Tensor forward(const at::Tensor& tokens, BlockContext context);
  kernels::Parameter& embedding() { return embed_tokens_->weight(); }

 private:
  std::pair<at::Tensor, at::Tensor> run_block(std::size_t i, const at::Tensor& x, const at::Tensor& update, const BlockContext& context);

  std::int64_t pad_token_id_;
  double embedding_multiplier_, embedding_dropout_;
  std::shared_ptr<Embedding> embed_tokens_;
  std::vector<std::shared_ptr<DecoderBlock>> blocks_;
  std::shared_ptr<Norm> norm_;
};

class DecoderForCausalLM : public Layer, public CausalLM {
 public:
  // Throws ConfigError when the numbers of the configuration do not fit together.
  DecoderForCausalLM(const configs::ModelConfig& config, DecoderParts parts);

  const configs::ModelConfig& config() const override { return config_; }
  const std::vector<ParameterDeclaration>& declarations() const override { return declarations_; }
  void add_adapters(const configs::LoraSection& section) override;
  at::Tensor forward(const kernels::PackedBatch& batch, const ForwardOptions& options) override;
  kernels::Head head() override;
  bool collective() const override { return collective_; }
  at::Tensor prefill(const kernels::PackedBatch& batch, const std::vector<std::int64_t>& sequences, std::vector<kernels::KeyValueCache>& caches) override;
  at::Tensor decode(const at::Tensor& tokens, const std::vector<std::int64_t>& sequences, const std::vector<std::int64_t>& lengths,
                    const std::vector<bool>& use_long, std::vector<kernels::KeyValueCache>& caches) override;

 private:
  void declare_all();

  configs::ModelConfig config_;
  bool collective_;
  RotaryTable rotary_;
  std::shared_ptr<Decoder> model_;
  std::shared_ptr<Linear> lm_head_;  // null: tied to the embedding
  at::Tensor dummy_token_ids_;       // on the device of the last head(); undefined: none
  std::vector<ParameterDeclaration> declarations_;
};

}  // namespace phidias::models
