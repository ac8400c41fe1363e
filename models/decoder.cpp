#include "models/decoder.h"

#include <ATen/core/grad_mode.h>
#include <ATen/ops/add.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/zeros_like.h>

#include <algorithm>
#include <utility>

#include "base/error.h"
#include "kernels/draws.h"
#include "kernels/dropout.h"
#include "models/layers/lora.h"
#include "models/layers/recompute.h"
#include "models/layers/weight_residence.h"

namespace phidias::models {

namespace {

constexpr int kEmbeddingBlock = -1;

const configs::ModelConfig& checked(const configs::ModelConfig& config) {
  const std::vector<std::string> problems = configs::model_config_problems(config);
  if (problems.empty()) return config;
  std::string message = "model configuration:";
  for (const std::string& problem : problems) message += "\n  " + problem;
  throw ConfigError(message);
}

}  // namespace

DecoderBlock::DecoderBlock(std::shared_ptr<Norm> before_attention, std::shared_ptr<SelfAttention> attention, std::shared_ptr<Norm> after_attention,
                           const char* feed_forward_name, std::shared_ptr<FeedForward> feed_forward)
    : input_layernorm_(register_module("input_layernorm", std::move(before_attention))),
      self_attn_(register_module("self_attn", std::move(attention))),
      post_attention_layernorm_(register_module("post_attention_layernorm", std::move(after_attention))),
      feed_forward_(register_module(feed_forward_name, std::move(feed_forward))) {}

std::pair<at::Tensor, at::Tensor> DecoderBlock::forward(const at::Tensor& x, const at::Tensor& update, const BlockContext& context) {
  const auto [residual, normed] = input_layernorm_->forward(x, update);
  const auto [after_attention, input] =
      post_attention_layernorm_->forward(residual, self_attn_->forward(normed, context.attend, context.block, context.draw_keys));
  if (context.options.recompute != Recompute::mlp) return {after_attention, feed_forward_->forward(input, context)};

  RecomputedSegment segment;
  segment.run = [feed_forward = feed_forward_, context](const at::Tensor& x1) { return feed_forward->forward(x1, context); };
  return {after_attention, recompute(std::move(segment), input, feed_forward_->trainable())};
}

Decoder::Decoder(const configs::ModelConfig& config, DecoderParts parts)
    : pad_token_id_(config.pad_token_id),
      embedding_multiplier_(config.mup_embedding_multiplier),
      embedding_dropout_(config.embedding_dropout),
      embed_tokens_(register_module("embed_tokens", std::make_shared<Embedding>(config.vocab_size, config.hidden_size))),
      blocks_(std::move(parts.blocks)) {
  const auto layers = register_module("layers", std::make_shared<LayerList>());
  for (std::size_t i = 0; i < blocks_.size(); ++i) layers->register_module(std::to_string(i), blocks_[i]);
  norm_ = register_module(parts.norm_name, std::move(parts.norm));
}

// With a WeightSource: resident while the block runs, forward and backward.
std::pair<at::Tensor, at::Tensor> Decoder::run_block(std::size_t i, const at::Tensor& x, const at::Tensor& update, const BlockContext& context) {
  WeightSource* const weights = context.options.weights;
  if (weights == nullptr) return blocks_[i]->forward(x, update, context);
  const int number = static_cast<int>(i);
  weights->before_forward(number);
  const auto entered = enter_block(*weights, number, x, update);
  const auto result = blocks_[i]->forward(entered.first, entered.second, context);
  const auto left = leave_block(*weights, number, result.first, result.second);
  weights->after_forward(number);
  return left;
}

at::Tensor Decoder::forward(const at::Tensor& tokens, BlockContext context) {
  const ForwardOptions& options = context.options;
  WeightSource* const weights = options.weights;
  if (weights != nullptr) weights->before_forward(kEmbeddingBlock);
  at::Tensor x = embed_tokens_->forward(tokens, options.train_pad_embedding ? -1 : pad_token_id_);
  if (weights != nullptr) weights->after_forward(kEmbeddingBlock);
  x = kernels::dropout(x, embedding_dropout_, context.draw_keys, kernels::draw_site(RandomSite::dropout, 0xffff));
  if (embedding_multiplier_ != 1.0) x = x.mul(embedding_multiplier_);

  at::Tensor update;
  const bool whole_blocks = options.recompute == Recompute::block && at::GradMode::is_enabled();
  for (std::size_t i = 0; i < blocks_.size(); ++i) {
    context.block = i;
    if (!whole_blocks) {
      std::tie(x, update) = run_block(i, x, update, context);
      continue;
    }
    // One tensor per block is kept. From the second block on, the norm's joint operation is fed the sum and a zero update: its gradient is
    // then computed by the same instructions as without recomputation.
    RecomputedSegment segment;
    segment.run = [block = blocks_[i], context](const at::Tensor& input) {
      const auto [residual, last] = block->forward(input, context.block == 0 ? at::Tensor() : at::zeros_like(input), context);
      return at::add(residual, last);
    };
    if (weights != nullptr) {
      const int number = static_cast<int>(i);
      segment.before = [weights, number] { weights->before_forward(number); };
      segment.after = [weights, number] { weights->after_forward(number); };
      segment.before_backward = [weights, number] { weights->before_backward(number); };
      segment.after_backward = [weights, number] { weights->after_backward(number); };
    }
    x = recompute(std::move(segment), x, blocks_[i]->trainable());
  }
  if (weights != nullptr) weights->before_forward(static_cast<int>(blocks_.size()));
  return norm_->forward(x, whole_blocks ? at::zeros_like(x) : update).second;
}

DecoderForCausalLM::DecoderForCausalLM(const configs::ModelConfig& config, DecoderParts parts)
    : config_(checked(config)),
      collective_(parts.collective),
      rotary_(config),
      model_(register_module("model", std::make_shared<Decoder>(config, std::move(parts)))) {
  if (config.tied_head)
    model_->embedding().uses = 2;
  else
    lm_head_ = register_module("lm_head", std::make_shared<Linear>(config.hidden_size, config.vocab_size, config.head_bias));
  if (!config.dummy_token_ids.empty()) dummy_token_ids_ = at::tensor(config.dummy_token_ids, at::kLong);
  declare_all();
}

void DecoderForCausalLM::declare_all() {
  declarations_.clear();
  collect("", -1, declarations_);
  for (ParameterDeclaration& declaration : declarations_)
    if (declaration.block < 0 && declaration.parameter != &model_->embedding()) declaration.block = static_cast<int>(config_.num_layers);
}

void DecoderForCausalLM::add_adapters(const configs::LoraSection& section) {
  std::vector<AdaptableModule> modules;
  list_adaptable("", modules);
  model_->add_adapters("model.", kEmbeddingBlock, plan_adapters(modules, section));
  declare_all();
}

at::Tensor DecoderForCausalLM::forward(const kernels::PackedBatch& batch, const ForwardOptions& options) {
  const RotaryRows rotary = rotary_.rows(batch.positions, batch.use_long, batch.longest_document);
  // By value: recomputation calls it again in backward, when the caller's batch may be gone.
  const Attend attend = [rotary, batch, config = config_, inclusive = options.inclusive_window](const at::Tensor& qkv, std::size_t block) {
    return kernels::packed_attention(qkv, rotary.cos, rotary.sin, batch, attention_shape(config, block, inclusive));
  };
  return model_->forward(batch.tokens, {attend, 0, options, batch.draw_keys});
}

kernels::Head DecoderForCausalLM::head() {
  kernels::Parameter& weight = lm_head_ ? lm_head_->weight() : model_->embedding();
  if (dummy_token_ids_.defined() && weight.value.defined()) dummy_token_ids_ = dummy_token_ids_.to(weight.value.device());
  return {&weight, lm_head_ ? lm_head_->bias() : nullptr, 1.0 / config_.mup_width_multiplier, dummy_token_ids_};
}

at::Tensor DecoderForCausalLM::prefill(const kernels::PackedBatch& batch, const std::vector<std::int64_t>& sequences,
                                       std::vector<kernels::KeyValueCache>& caches) {
  const at::NoGradGuard no_gradients;
  const RotaryRows rotary = rotary_.rows(batch.positions, batch.use_long, batch.longest_document);
  const Attend attend = [&](const at::Tensor& qkv, std::size_t block) {
    const kernels::AttentionShape shape = attention_shape(config_, block, false);
    kernels::store_keys_values(qkv, rotary.cos, rotary.sin, batch, sequences, shape, caches.at(block));
    return kernels::packed_attention(qkv, rotary.cos, rotary.sin, batch, shape);
  };
  return model_->forward(batch.tokens, {attend, 0, {}, {}});
}

at::Tensor DecoderForCausalLM::decode(const at::Tensor& tokens, const std::vector<std::int64_t>& sequences, const std::vector<std::int64_t>& lengths,
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
  const Attend attend = [&](const at::Tensor& qkv, std::size_t block) {
    return kernels::decode_attention(qkv, rotary.cos, rotary.sin, sequences, lengths, attention_shape(config_, block, false), caches.at(block));
  };
  return model_->forward(tokens, {attend, 0, {}, {}});
}

}  // namespace phidias::models
