// config.json of Phi-3 mini and medium, Phi-3.5-mini, Phi-4 and Phi-4-mini. Defaults: transformers' Phi3Config (4.57.3).
#include <cmath>
#include <string>
#include <utility>

#include "models/hub/config_architectures.h"
#include "models/hub/config_json.h"

namespace phidias::models {

namespace {

constexpr std::int64_t kDefaultOriginalPositions = 4096;
constexpr std::int64_t kDefaultEosToken = 32000, kDefaultPadToken = 32000, kDefaultBosToken = 1;

void refuse_other_computation(Fields& fields) {
  refuse_foreign_computation(fields, {"Phi3ForCausalLM"}, {"attention_bias", "mlp_bias", "lm_head_bias"}, {"attention_dropout", "embd_pdrop", "resid_pdrop"});
  fields.refuse_unless(!fields.has("hidden_act") || fields["hidden_act"] == "silu", "hidden_act", "only silu is supported");
  for (const char* experts : {"num_local_experts", "num_experts"}) fields.refuse_unless(!fields.has(experts), experts, "experts are not part of phi3");
  for (const char* mod : {"full_attn_mod", "interpolate_factor"}) fields.refuse_unless(fields.number(mod, 1.0) == 1.0, mod, "only 1 is supported");
  refuse_mixed_layers(fields);
}

void check_sizes(Fields& fields, configs::ModelConfig& config) {
  if (config.hidden_size % config.num_heads != 0 && !fields.has("head_dim")) {
    fields.problem("hidden_size", "is not a multiple of num_attention_heads, and head_dim is missing");
  }
  if (config.num_heads % config.num_kv_heads != 0) fields.problem("num_key_value_heads", "does not divide num_attention_heads");
  const std::int64_t half = config.rotary_dim() / 2;
  if (config.partial_rotary_factor > 1.0 || config.rotary_dim() % 2 != 0 || half == 0) {
    fields.problem("partial_rotary_factor",
                   "gives " + std::to_string(config.rotary_dim()) + " rotary dimensions of head_dim " + std::to_string(config.head_dim));
  }
  if (!config.has_longrope) return;
  for (const auto& [name, list] : {std::pair("short_factor", &config.longrope.short_factor), std::pair("long_factor", &config.longrope.long_factor)}) {
    if (static_cast<std::int64_t>(list->size()) == half) continue;
    fields.problem(std::string("rope_scaling.") + name,
                   "holds " + std::to_string(list->size()) + " values; head_dim * partial_rotary_factor / 2 = " + std::to_string(half) + " are needed");
  }
}

}  // namespace

void read_phi3_config(Fields& fields, configs::ModelConfig& config) {
  refuse_other_computation(fields);
  if (!fields.problems().empty()) return;
  config.vocab_size = fields.integer("vocab_size", {}, 1);
  config.hidden_size = fields.integer("hidden_size", {}, 1);
  config.intermediate_size = fields.integer("intermediate_size", {}, 1);
  config.num_layers = fields.integer("num_hidden_layers", {}, 1);
  config.num_heads = fields.integer("num_attention_heads", {}, 1);
  config.num_kv_heads = fields.integer("num_key_value_heads", config.num_heads, 1);
  config.head_dim = fields.integer("head_dim", config.hidden_size / config.num_heads, 1);
  config.max_positions = fields.integer("max_position_embeddings", {}, 1);
  config.sliding_window = fields.has("sliding_window") ? fields.integer("sliding_window", {}, 1) : 0;
  config.rms_norm_eps = fields.positive("rms_norm_eps", 1e-5);
  config.initializer_range = fields.number("initializer_range", 0.02);
  config.tied_head = fields.boolean("tie_word_embeddings", false);
  config.bos_token_id = kDefaultBosToken;
  config.eos_token_ids = {kDefaultEosToken};
  if (kDefaultPadToken < config.vocab_size) config.pad_token_id = kDefaultPadToken;
  read_tokens(fields, config);
  read_rope(fields, {.default_original = kDefaultOriginalPositions}, config);
  check_sizes(fields, config);
}

void write_phi3_config(const configs::ModelConfig& config, OrderedJson& json) {
  json["architectures"] = {"Phi3ForCausalLM"};
  json["attention_bias"] = false;
  json["attention_dropout"] = 0.0;
  json["bos_token_id"] = token_json(config.bos_token_id);
  json["embd_pdrop"] = 0.0;
  json["eos_token_id"] = tokens_json(config.eos_token_ids);
  if (config.head_dim * config.num_heads != config.hidden_size) json["head_dim"] = config.head_dim;
  json["hidden_act"] = "silu";
  json["hidden_size"] = config.hidden_size;
  json["initializer_range"] = config.initializer_range;
  json["intermediate_size"] = config.intermediate_size;
  json["max_position_embeddings"] = config.max_positions;
  json["model_type"] = "phi3";
  json["num_attention_heads"] = config.num_heads;
  json["num_hidden_layers"] = config.num_layers;
  json["num_key_value_heads"] = config.num_kv_heads;
  json["original_max_position_embeddings"] = config.original_max_positions > 0 ? config.original_max_positions : config.max_positions;
  json["pad_token_id"] = token_json(config.pad_token_id);
  json["partial_rotary_factor"] = config.partial_rotary_factor;
  json["resid_pdrop"] = 0.0;
  json["rms_norm_eps"] = config.rms_norm_eps;
  json["rope_scaling"] = nullptr;
  if (config.has_longrope) {
    OrderedJson rope = longrope_json(config.longrope);
    // transformers computes the usual factor itself and accepts no fourth field in its version 4.
    const double usual = longrope_attention_factor(config.max_positions, config.original_max_positions);
    if (std::abs(config.longrope.short_attention_factor - usual) > 1e-12) rope["attention_factor"] = config.longrope.short_attention_factor;
    json["rope_scaling"] = rope;
  }
  json["rope_theta"] = config.rope_theta;
  json["sliding_window"] = optional_json(config.sliding_window);
  json["tie_word_embeddings"] = config.tied_head;
}

}  // namespace phidias::models
