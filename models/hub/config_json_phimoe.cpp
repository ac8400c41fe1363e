// config.json of Phi-3.5-MoE and GRIN-MoE. Defaults: transformers' PhimoeConfig (4.57.3), which are not the released values.
#include <string>

#include "models/hub/config_architectures.h"

namespace phidias::models {

namespace {

void refuse_other_computation(Fields& fields) {
  // The files spell it PhiMoE, transformers Phimoe.
  refuse_foreign_computation(fields, {"PhiMoEForCausalLM", "PhimoeForCausalLM"}, {"mlp_bias"}, {"attention_dropout", "hidden_dropout"});
  fields.refuse_unless(!fields.has("hidden_act") || fields["hidden_act"] == "silu", "hidden_act", "only silu is supported");
  fields.refuse_unless(fields.integer("num_experts_per_tok", 2, 1) == 2, "num_experts_per_tok", "SparseMixer chooses two experts");
  refuse_mixed_layers(fields);
}

}  // namespace

void read_phimoe_config(Fields& fields, configs::ModelConfig& config) {
  refuse_other_computation(fields);
  if (!fields.problems().empty()) return;
  config.vocab_size = fields.integer("vocab_size", {}, 1);
  config.hidden_size = fields.integer("hidden_size", {}, 1);
  config.intermediate_size = fields.integer("intermediate_size", {}, 1);
  config.num_layers = fields.integer("num_hidden_layers", {}, 1);
  config.num_heads = fields.integer("num_attention_heads", {}, 1);
  const bool null_kv_heads = fields.json().contains("num_key_value_heads") && !fields.has("num_key_value_heads");
  config.num_kv_heads = fields.integer("num_key_value_heads", null_kv_heads ? config.num_heads : 8, 1);
  config.head_dim = config.hidden_size % config.num_heads == 0 ? config.hidden_size / config.num_heads : 0;
  fields.refuse_unless(!fields.has("head_dim") || fields["head_dim"] == config.head_dim, "head_dim", "phimoe has hidden_size / num_attention_heads");
  config.max_positions = fields.integer("max_position_embeddings", 131072, 1);
  config.sliding_window = fields.has("sliding_window") ? fields.integer("sliding_window", {}, 1) : 0;
  config.rms_norm_eps = fields.positive("rms_norm_eps", 1e-5);
  config.initializer_range = fields.number("initializer_range", 0.02);
  config.tied_head = fields.boolean("tie_word_embeddings", false);
  config.num_experts = fields.integer("num_local_experts", 16, 1);
  config.experts_per_token = 2;
  config.router_jitter = fields.number("router_jitter_noise", 0.01);
  config.input_jitter = fields.number("input_jitter_noise", 0.0);
  config.router_aux_loss = fields.number("router_aux_loss_coef", 0.001);
  config.attention_bias = fields.boolean("attention_bias", false);
  config.head_bias = fields.boolean("lm_head_bias", false);
  config.bos_token_id = 1;
  config.eos_token_ids = {2};
  read_tokens(fields, config);
  read_rope(fields, {.default_theta = 1e6, .default_original = {}}, config);
  if (fields.problems().empty()) check_whole(fields, config);
}

void write_phimoe_config(const configs::ModelConfig& config, OrderedJson& json) {
  json["architectures"] = {"PhiMoEForCausalLM"};
  json["attention_bias"] = config.attention_bias;
  json["attention_dropout"] = 0.0;
  json["bos_token_id"] = token_json(config.bos_token_id);
  json["eos_token_id"] = tokens_json(config.eos_token_ids);
  json["hidden_act"] = "silu";
  json["hidden_dropout"] = 0.0;
  json["hidden_size"] = config.hidden_size;
  json["initializer_range"] = config.initializer_range;
  json["input_jitter_noise"] = config.input_jitter;
  json["intermediate_size"] = config.intermediate_size;
  json["lm_head_bias"] = config.head_bias;
  json["max_position_embeddings"] = config.max_positions;
  json["model_type"] = "phimoe";
  json["num_attention_heads"] = config.num_heads;
  json["num_experts_per_tok"] = config.experts_per_token;
  json["num_hidden_layers"] = config.num_layers;
  json["num_key_value_heads"] = config.num_kv_heads;
  json["num_local_experts"] = config.num_experts;
  json["original_max_position_embeddings"] = config.original_max_positions;
  json["output_router_logits"] = false;
  json["pad_token_id"] = token_json(config.pad_token_id);
  json["rms_norm_eps"] = config.rms_norm_eps;
  json["rope_scaling"] = nullptr;
  if (config.has_longrope) {
    OrderedJson rope = longrope_json(config.longrope);
    rope["long_mscale"] = config.longrope.long_attention_factor;
    rope["short_mscale"] = config.longrope.short_attention_factor;
    rope["original_max_position_embeddings"] = config.original_max_positions;
    json["rope_scaling"] = rope;
  }
  json["rope_theta"] = config.rope_theta;
  json["router_aux_loss_coef"] = config.router_aux_loss;
  json["router_jitter_noise"] = config.router_jitter;
  json["sliding_window"] = optional_json(config.sliding_window);
  json["tie_word_embeddings"] = config.tied_head;
}

}  // namespace phidias::models
