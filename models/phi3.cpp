#include "models/phi3.h"

#include <ATen/core/grad_mode.h>
#include <ATen/ops/add.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/zeros_like.h>

#include <algorithm>
#include <utility>

#include "base/error.h"
#include "models/layers/recompute.h"

namespace phidias::models {

namespace {

const configs::ModelConfig& checked(const configs::ModelConfig& config) {
  const auto positive = [](std::int64_t value, const char* name) {
    if (value <= 0) throw ConfigError(std::string("model configuration: ") + name + " is " + std::to_string(value) + ", a positive number is needed");
  };
  positive(config.vocab_size, "vocab_size");
  positive(config.hidden_size, "hidden_size");
  positive(config.intermediate_size, "intermediate_size");
  positive(config.num_layers, "num_hidden_layers");
  positive(config.num_heads, "num_attention_heads");
  positive(config.num_kv_heads, "num_key_value_heads");
  positive(config.head_dim, "head_dim");
  if (config.num_heads % config.num_kv_heads != 0) {
    throw ConfigError("model configuration: num_attention_heads " + std::to_string(config.num_heads) + " is not a multiple of num_key_value_heads " +
                      std::to_string(config.num_kv_heads));
  }
  return config;
}

}  // namespace

Phi3Block::Phi3Block(const configs::ModelConfig& config)
    : input_layernorm_(register_module("input_layernorm", std::make_shared<RmsNorm>(config.hidden_size, config.rms_norm_eps))),
      self_attn_(register_module("self_attn", std::make_shared<SelfAttention>(config))),
      post_attention_layernorm_(register_module("post_attention_layernorm", std::make_shared<RmsNorm>(config.hidden_size, config.rms_norm_eps))),
      mlp_(register_module("mlp", std::make_shared<Mlp>(config))) {}

std::pair<at::Tensor, at::Tensor> Phi3Block::forward(const at::Tensor& x, const at::Tensor& update, const Attend& attend, std::size_t block,
                                                     const ForwardOptions& options) {
  const auto [residual, normed] = input_layernorm_->forward(x, update);
  auto [after_attention, mlp_input] = post_attention_layernorm_->forward(residual, self_attn_->forward(normed, attend, block));
  if (options.recompute != Recompute::mlp) return {after_attention, mlp_->forward(mlp_input)};

  RecomputedSegment segment;
  segment.run = [mlp = mlp_](const at::Tensor& input) { return mlp->forward(input); };
  return {after_attention, recompute(std::move(segment), mlp_input, mlp_->trainable())};
}

Phi3Model::Phi3Model(const configs::ModelConfig& config)
    : pad_token_id_(config.pad_token_id),
      embed_tokens_(register_module("embed_tokens", std::make_shared<Embedding>(config.vocab_size, config.hidden_size))),
      layers_(register_module("layers", std::make_shared<LayerList>())),
      norm_(register_module("norm", std::make_shared<RmsNorm>(config.hidden_size, config.rms_norm_eps))) {
  for (std::int64_t i = 0; i < config.num_layers; ++i) {
    blocks_.push_back(layers_->register_module(std::to_string(i), std::make_shared<Phi3Block>(config)));
  }
}

at::Tensor Phi3Model::forward(const at::Tensor& tokens, const Attend& attend, const ForwardOptions& options) {
  at::Tensor x = embed_tokens_->forward(tokens, options.train_pad_embedding ? -1 : pad_token_id_);
  at::Tensor update;
  const bool whole_blocks = options.recompute == Recompute::block && at::GradMode::is_enabled();
  WeightSource* const weights = options.weights;
  for (std::size_t i = 0; i < blocks_.size(); ++i) {
    if (whole_blocks) {
      // One tensor per block is kept. From the second block on, the norm's joint operation is fed the sum and a zero update: its gradient is
      // then computed by the same instructions as without recomputation.
      RecomputedSegment segment;
      segment.run = [block = blocks_[i], attend, i, options](const at::Tensor& input) {
        const auto [residual, last] = block->forward(input, i == 0 ? at::Tensor() : at::zeros_like(input), attend, i, options);
        return at::add(residual, last);
      };
      if (weights != nullptr) {
        segment.before = [weights, i] { weights->before_block(static_cast<int>(i)); };
        segment.after = [weights, i] { weights->after_block(static_cast<int>(i)); };
      }
      x = recompute(std::move(segment), x, blocks_[i]->trainable());
    } else {
      if (weights != nullptr) weights->before_block(static_cast<int>(i));
      std::tie(x, update) = blocks_[i]->forward(x, update, attend, i, options);
      if (weights != nullptr) weights->after_block(static_cast<int>(i));
    }
  }
  return norm_->forward(x, whole_blocks ? at::zeros_like(x) : update).second;
}

Phi3ForCausalLM::Phi3ForCausalLM(const configs::ModelConfig& config)
    : config_(checked(config)), rotary_(config), model_(register_module("model", std::make_shared<Phi3Model>(config))) {
  if (!config.tied_head) lm_head_ = register_module("lm_head", std::make_shared<Linear>(config.hidden_size, config.vocab_size));
  if (config.tied_head) model_->embedding().uses = 2;
  collect("", -1, declarations_);
}

at::Tensor Phi3ForCausalLM::forward(const kernels::PackedBatch& batch, const ForwardOptions& options) {
  const RotaryRows rotary = rotary_.rows(batch.positions, batch.use_long, batch.longest_document);
  const kernels::AttentionShape shape = attention_shape(config_, options.inclusive_window);
  // By value: recomputation calls it again in backward, when the caller's batch may be gone.
  const Attend attend = [rotary, batch, shape](const at::Tensor& qkv, std::size_t) {
    return kernels::packed_attention(qkv, rotary.cos, rotary.sin, batch, shape);
  };
  return model_->forward(batch.tokens, attend, options);
}

kernels::Head Phi3ForCausalLM::head() { return {lm_head_ ? &lm_head_->weight() : &model_->embedding(), nullptr, 1.0}; }

at::Tensor Phi3ForCausalLM::prefill(const kernels::PackedBatch& batch, const std::vector<std::int64_t>& sequences,
                                    std::vector<kernels::KeyValueCache>& caches) {
  const at::NoGradGuard no_gradients;
  const RotaryRows rotary = rotary_.rows(batch.positions, batch.use_long, batch.longest_document);
  const kernels::AttentionShape shape = attention_shape(config_, false);
  const Attend attend = [&](const at::Tensor& qkv, std::size_t block) {
    kernels::store_keys_values(qkv, rotary.cos, rotary.sin, batch, sequences, shape, caches.at(block));
    return kernels::packed_attention(qkv, rotary.cos, rotary.sin, batch, shape);
  };
  return model_->forward(batch.tokens, attend, {});
}

at::Tensor Phi3ForCausalLM::decode(const at::Tensor& tokens, const std::vector<std::int64_t>& sequences, const std::vector<std::int64_t>& lengths,
                                   const std::vector<bool>& use_long, std::vector<kernels::KeyValueCache>& caches) {
  const at::NoGradGuard no_gradients;
  const auto count = static_cast<std::int64_t>(lengths.size());
  at::Tensor positions = at::empty({count}, at::kInt), long_rows = at::empty({count}, at::kBool);
  for (std::int64_t i = 0; i < count; ++i) {
    positions.mutable_data_ptr<std::int32_t>()[i] = static_cast<std::int32_t>(lengths[static_cast<std::size_t>(i)]);
    long_rows.mutable_data_ptr<bool>()[i] = use_long[static_cast<std::size_t>(i)];
  }
  const std::int64_t longest = lengths.empty() ? 0 : *std::max_element(lengths.begin(), lengths.end()) + 1;
  const RotaryRows rotary = rotary_.rows(positions.to(tokens.device()), long_rows.to(tokens.device()), longest);
  const kernels::AttentionShape shape = attention_shape(config_, false);
  const Attend attend = [&](const at::Tensor& qkv, std::size_t block) {
    return kernels::decode_attention(qkv, rotary.cos, rotary.sin, sequences, lengths, shape, caches.at(block));
  };
  return model_->forward(tokens, attend, {});
}

std::unique_ptr<CausalLM> make_model(const configs::ModelConfig& config) {
  switch (config.architecture) {
    case configs::Architecture::phi3:
      return std::make_unique<Phi3ForCausalLM>(config);
  }
  throw ConfigError("this architecture is not built in");
}

}  // namespace phidias::models
