// The keys of a preset (configs/models/*.yaml): names and meanings of a Hugging Face config.json.
#pragma once

#include "configs/field.h"
#include "configs/model_config.h"

namespace phidias::configs {

template <class Visitor>
void visit(LongRopeConfig& s, Visitor& v) {
  v.field(s.short_factor, {.key = "short_factor", .doc = "divisors of the frequencies up to the original length", .minimum = 0, .is_above = true});
  v.field(s.long_factor, {.key = "long_factor", .doc = "divisors beyond it", .minimum = 0, .is_above = true});
  v.field(s.short_attention_factor, {.key = "short_attention_factor",
                                     .doc = "scales cos and sin of short rows; derived from the two lengths when not given",
                                     .minimum = 0,
                                     .is_above = true});
  v.field(s.long_attention_factor, {.key = "long_attention_factor", .doc = "the same of long rows", .minimum = 0, .is_above = true});
}

template <class Visitor>
void visit(ModelConfig& c, Visitor& v) {
  v.field(c.architecture, {.key = "model_type", .doc = "architecture"});
  v.field(c.vocab_size, {.key = "vocab_size", .doc = "rows of the embedding", .required = true, .minimum = 1});
  v.field(c.hidden_size, {.key = "hidden_size", .doc = "width of the residual stream", .required = true, .minimum = 1});
  v.field(c.intermediate_size, {.key = "intermediate_size", .doc = "width inside the MLP", .required = true, .minimum = 1});
  v.field(c.num_layers, {.key = "num_hidden_layers", .doc = "blocks", .required = true, .minimum = 1});
  v.field(c.num_heads, {.key = "num_attention_heads", .doc = "query heads", .required = true, .minimum = 1});
  v.field(c.num_kv_heads, {.key = "num_key_value_heads", .doc = "key and value heads", .minimum = 1, .unset = "null"});
  v.field(c.head_dim, {.key = "head_dim", .doc = "size of a head", .minimum = 2, .unset = "null"});
  v.field(c.partial_rotary_factor, {.key = "partial_rotary_factor", .doc = "part of a head that is rotated", .minimum = 0, .maximum = 1, .is_above = true});
  v.field(c.rope_theta, {.key = "rope_theta", .doc = "base of the rotary frequencies", .minimum = 0, .is_above = true});
  v.section(c.longrope, {.key = "longrope", .doc = "LongRoPE; a model without this section has plain rotary positions"});
  v.field(c.max_positions, {.key = "max_position_embeddings", .doc = "longest document", .required = true, .minimum = 1});
  v.field(c.original_max_positions, {.key = "original_max_position_embeddings", .doc = "longest document with short factors", .minimum = 1, .unset = "null"});
  v.field(c.sliding_window, {.key = "sliding_window", .doc = "keys a query sees", .minimum = 1, .unset = "null"});
  v.field(c.rms_norm_eps, {.key = "rms_norm_eps", .doc = "added to the mean square", .minimum = 0, .is_above = true});
  v.field(c.initializer_range, {.key = "initializer_range", .doc = "standard deviation of fresh weights", .minimum = 0});
  v.field(c.tied_head, {.key = "tie_word_embeddings", .doc = "whether the head is the embedding"});
  v.field(c.pad_token_id, {.key = "pad_token_id", .doc = "padding token", .minimum = 0, .unset = "null", .unset_value = -1});
  v.field(c.bos_token_id, {.key = "bos_token_id", .doc = "beginning of a text", .minimum = 0, .unset = "null", .unset_value = -1});
  v.field(c.eos_token_ids, {.key = "eos_token_id", .doc = "ends of a text, as in generation_config.json", .minimum = 0});
}

}  // namespace phidias::configs
