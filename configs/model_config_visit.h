// The keys of a preset (configs/models/*.yaml): names and meanings of a Hugging Face config.json of the preset's model_type. A key of another
// architecture does not exist. LongRoPE alone is arranged differently: `longrope` has the two lists and their scales for all architectures.
#pragma once

#include "configs/field.h"
#include "configs/model_config.h"

namespace phidias::configs {

template <class Visitor>
void visit(LongRopeConfig& s, Visitor& v) {
  v.field(s.short_factor, {.key = "short_factor", .doc = "divisors of the frequencies up to the original length", .minimum = 0, .is_above = true});
  v.field(s.long_factor, {.key = "long_factor", .doc = "divisors beyond it", .minimum = 0, .is_above = true});
  v.field(s.short_attention_factor,
          {.key = "short_mscale",
           .doc = "scales cos and sin of short rows; not given: of phi3 derived from the two lengths, of phi3small 1; phimoe needs it",
           .minimum = 0,
           .is_above = true});
  v.field(s.long_attention_factor, {.key = "long_mscale",
                                    .doc = "the same of long rows; not given: of phi3 and phi3small derived from the two lengths; phimoe needs it",
                                    .minimum = 0,
                                    .is_above = true});
}

template <class Visitor>
void visit_mixture(ModelConfig& c, Visitor& v) {
  v.field(c.num_experts, {.key = "num_local_experts", .doc = "experts of a layer", .required = true, .minimum = 2});
  v.field(c.experts_per_token, {.key = "num_experts_per_tok", .doc = "experts that a token passes through", .required = true, .minimum = 2, .maximum = 2});
  v.field(c.router_jitter, {.key = "router_jitter_noise", .doc = "SparseMixer's threshold", .required = true, .minimum = 0, .maximum = 1, .is_below = true});
  v.field(c.input_jitter, {.key = "input_jitter_noise", .doc = "noise on the mixture's input in training", .minimum = 0, .maximum = 1, .is_below = true});
  v.field(c.router_aux_loss, {.key = "router_aux_loss_coef", .doc = "coefficient of the load-balancing loss", .minimum = 0});
  v.field(c.attention_bias, {.key = "attention_bias", .doc = "biases of q_proj, k_proj, v_proj and o_proj"});
  v.field(c.head_bias, {.key = "lm_head_bias", .doc = "bias of the head"});
}

template <class Visitor>
void visit_small(ModelConfig& c, Visitor& v) {
  BlockSparseConfig& s = c.block_sparse;
  v.field(s.block_size, {.key = "blocksparse_block_size", .doc = "tokens of a block", .required = true, .minimum = 1});
  v.field(s.local_blocks, {.key = "blocksparse_num_local_blocks", .doc = "nearest blocks a query sees", .required = true, .minimum = 1});
  v.field(s.vertical_stride, {.key = "blocksparse_vert_stride", .doc = "further away, every how many blocks one is seen", .required = true, .minimum = 1});
  v.field(s.homogeneous_heads, {.key = "blocksparse_homo_head_pattern", .doc = "whether all heads see the same blocks"});
  v.field(s.dense_every, {.key = "dense_attention_every_n_layers", .doc = "every how many layers attention is dense", .required = true, .minimum = 1});
  v.field(c.gegelu_limit, {.key = "gegelu_limit", .doc = "clamp of the MLP's two branches", .required = true, .minimum = 0, .is_above = true});
  v.field(c.mup_attention_multiplier,
          {.key = "mup_attn_multiplier", .doc = "scores are divided by head_dim / this", .required = true, .minimum = 0, .is_above = true});
  v.field(c.mup_embedding_multiplier, {.key = "mup_embedding_multiplier", .doc = "times the embedding", .required = true, .minimum = 0, .is_above = true});
  v.field(c.mup_width_multiplier, {.key = "mup_width_multiplier", .doc = "divides the logits", .required = true, .minimum = 0, .is_above = true});
  v.field(c.embedding_dropout, {.key = "embedding_dropout_prob", .doc = "dropout of the embedding", .minimum = 0, .maximum = 1, .is_below = true});
  v.field(c.ffn_dropout, {.key = "ffn_dropout_prob", .doc = "dropout of the MLP's output", .minimum = 0, .maximum = 1, .is_below = true});
  v.field(c.dummy_token_ids,
          {.key = "dummy_token_indices", .doc = "ids that are never predicted; not given: of a vocabulary of 100352 its unused special ids", .minimum = 0});
}

template <class Visitor>
void visit(ModelConfig& c, Visitor& v) {
  v.field(c.architecture, {.key = "model_type", .doc = "architecture"});
  const bool is_dense = c.architecture == Architecture::phi3, is_small = c.architecture == Architecture::phi3small;
  v.field(c.vocab_size, {.key = "vocab_size", .doc = "rows of the embedding", .required = true, .minimum = 1});
  v.field(c.hidden_size, {.key = "hidden_size", .doc = "width of the residual stream", .required = true, .minimum = 1});
  v.field(c.intermediate_size, {.key = is_small ? "ff_intermediate_size" : "intermediate_size", .doc = "width inside the MLP", .required = true, .minimum = 1});
  v.field(c.num_layers, {.key = "num_hidden_layers", .doc = "blocks", .required = true, .minimum = 1});
  v.field(c.num_heads, {.key = "num_attention_heads", .doc = "query heads", .required = true, .minimum = 1});
  v.field(c.num_kv_heads, {.key = "num_key_value_heads", .doc = "key and value heads", .minimum = 1, .unset = "null"});
  if (is_dense) {
    v.field(c.head_dim, {.key = "head_dim", .doc = "size of a head", .minimum = 2, .unset = "null"});
    v.field(c.partial_rotary_factor, {.key = "partial_rotary_factor", .doc = "part of a head that is rotated", .minimum = 0, .maximum = 1, .is_above = true});
  }
  v.field(
      c.rope_theta,
      {.key = is_small ? "rope_embedding_base" : "rope_theta", .doc = "base of the rotary frequencies", .required = !is_dense, .minimum = 0, .is_above = true});
  v.section(c.longrope, {.key = "longrope", .doc = "LongRoPE; a model without this section has plain rotary positions"});
  v.field(c.max_positions, {.key = "max_position_embeddings", .doc = "longest document", .required = true, .minimum = 1});
  v.field(c.original_max_positions, {.key = "original_max_position_embeddings", .doc = "longest document with short factors", .minimum = 1, .unset = "null"});
  if (!is_small) v.field(c.sliding_window, {.key = "sliding_window", .doc = "keys a query sees", .minimum = 1, .unset = "null"});
  v.field(c.rms_norm_eps, {.key = is_small ? "layer_norm_epsilon" : "rms_norm_eps", .doc = "added to the mean square", .minimum = 0, .is_above = true});
  v.field(c.initializer_range, {.key = "initializer_range", .doc = "standard deviation of fresh weights", .minimum = 0});
  v.field(c.tied_head, {.key = "tie_word_embeddings", .doc = "whether the head is the embedding", .required = is_small});
  v.field(c.pad_token_id, {.key = "pad_token_id", .doc = "padding token", .minimum = 0, .unset = "null", .unset_value = -1});
  v.field(c.bos_token_id, {.key = "bos_token_id", .doc = "beginning of a text", .minimum = 0, .unset = "null", .unset_value = -1});
  v.field(c.eos_token_ids, {.key = "eos_token_id", .doc = "ends of a text, as in generation_config.json", .minimum = 0});
  if (c.architecture == Architecture::phimoe) visit_mixture(c, v);
  if (is_small) visit_small(c, v);
}

}  // namespace phidias::configs
