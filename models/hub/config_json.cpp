#include "models/hub/config_json.h"

#include <cmath>
#include <initializer_list>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/json.h"

namespace phidias::models {

namespace {

constexpr std::int64_t kDefaultOriginalPositions = 4096;  // Phi3Config's own
constexpr std::int64_t kDefaultEosToken = 32000, kDefaultPadToken = 32000, kDefaultBosToken = 1;

std::string shown(const Json& value) {
  const std::string text = value.dump(-1, ' ', false, Json::error_handler_t::replace);
  return text.size() > 60 ? text.substr(0, 57) + "..." : text;
}

// Reads fields and remembers every problem, so that one message names all of them.
class Fields {
 public:
  Fields(const Json& json, std::string prefix, std::vector<std::string>& problems) : json_(json), prefix_(std::move(prefix)), problems_(problems) {}

  void problem(const std::string& key, const std::string& text) { problems_.push_back(prefix_ + key + ": " + text); }
  bool has(const std::string& key) const { return json_.contains(key) && !json_[key].is_null(); }
  const Json& operator[](const std::string& key) const { return json_[key]; }

  std::int64_t integer(const std::string& key, std::optional<std::int64_t> otherwise, std::int64_t smallest) {
    if (!has(key)) {
      if (!otherwise) problem(key, "is missing");
      return otherwise.value_or(smallest);
    }
    const Json& value = json_[key];
    if (value.is_number_integer() && value.get<std::int64_t>() >= smallest && value.get<double>() < 9e18) return value.get<std::int64_t>();
    problem(key, "is " + shown(value) + ", an integer from " + std::to_string(smallest) + " on is needed");
    return otherwise.value_or(smallest);
  }

  double number(const std::string& key, double otherwise) {
    if (!has(key)) return otherwise;
    if (json_[key].is_number()) return json_[key].get<double>();
    problem(key, "is " + shown(json_[key]) + ", a number is needed");
    return otherwise;
  }

  double positive(const std::string& key, double otherwise) {
    const double value = number(key, otherwise);
    if (value > 0 && std::isfinite(value)) return value;
    problem(key, "is " + shown(json_[key]) + ", a positive number is needed");
    return otherwise;
  }

  bool boolean(const std::string& key, bool otherwise) {
    if (!has(key)) return otherwise;
    if (json_[key].is_boolean()) return json_[key].get<bool>();
    problem(key, "is " + shown(json_[key]) + ", true or false is needed");
    return otherwise;
  }

  std::string text(const std::string& key) {
    if (!has(key)) return "";
    if (json_[key].is_string()) return json_[key].get<std::string>();
    problem(key, "is " + shown(json_[key]) + ", text is needed");
    return "";
  }

  std::vector<double> numbers(const std::string& key) {
    std::vector<double> values;
    if (!has(key) || !json_[key].is_array()) {
      problem(key, has(key) ? "is not a list" : "is missing");
      return values;
    }
    for (const Json& value : json_[key]) {
      if (!value.is_number() || !(value.get<double>() > 0)) {
        problem(key, "holds " + shown(value) + ", positive numbers are needed");
        return {};
      }
      values.push_back(value.get<double>());
    }
    return values;
  }

  // The model has no code for any other value.
  void refuse_unless(bool supported, const std::string& key, const std::string& why) {
    if (!supported) problem(key, "is " + shown(json_[key]) + "; " + why);
  }

 private:
  const Json& json_;
  std::string prefix_;
  std::vector<std::string>& problems_;
};

void refuse_foreign_computation(Fields& fields) {
  if (fields.text("model_type") != "phi3") {
    fields.problem("model_type", (fields.has("model_type") ? "is " + shown(fields["model_type"]) : std::string("is missing")) +
                                     "; this program computes phi3 (Phi-3 mini and medium, Phi-3.5-mini, Phi-4, Phi-4-mini)");
  }
  if (fields.has("architectures") && fields["architectures"].is_array() && !fields["architectures"].empty()) {
    fields.refuse_unless(fields["architectures"][0] == "Phi3ForCausalLM", "architectures", "only Phi3ForCausalLM is supported");
  }
  for (const char* bias : {"attention_bias", "mlp_bias", "lm_head_bias"}) {
    fields.refuse_unless(!fields.boolean(bias, false), bias, "projections with biases are not supported");
  }
  for (const char* dropout : {"attention_dropout", "embd_pdrop", "resid_pdrop"}) {
    fields.refuse_unless(fields.number(dropout, 0.0) == 0.0, dropout, "dropout is not supported (set it to 0.0)");
  }
  fields.refuse_unless(!fields.has("hidden_act") || fields["hidden_act"] == "silu", "hidden_act", "only silu is supported");
  fields.refuse_unless(!fields.has("quantization_config"), "quantization_config", "quantised weights are not supported: use the original directory");
  for (const char* experts : {"num_local_experts", "num_experts"}) fields.refuse_unless(!fields.has(experts), experts, "experts are not part of phi3");
  for (const char* mod : {"full_attn_mod", "interpolate_factor"}) fields.refuse_unless(fields.number(mod, 1.0) == 1.0, mod, "only 1 is supported");
  if (fields.has("layer_types")) {
    const std::string kind = fields.has("sliding_window") ? "sliding_attention" : "full_attention";
    for (const Json& type : fields["layer_types"]) {
      if (type != kind) return fields.problem("layer_types", "holds " + shown(type) + "; phi3 has the same attention in every layer (" + kind + " here)");
    }
  }
}

// rope_scaling (transformers 4) or rope_parameters (5).
void read_rope(Fields& top, const Json& json, std::vector<std::string>& problems, configs::ModelConfig& config) {
  config.rope_theta = top.positive("rope_theta", 10000.0);
  config.partial_rotary_factor = top.positive("partial_rotary_factor", 1.0);
  config.original_max_positions = top.integer("original_max_position_embeddings", kDefaultOriginalPositions, 1);
  const std::string key = top.has("rope_parameters") ? "rope_parameters" : "rope_scaling";
  if (!top.has(key)) return;
  if (!json[key].is_object()) return top.problem(key, "is not an object");
  Fields rope(json[key], key + ".", problems);
  for (const auto& [name, value] : json[key].items()) {
    bool known = false;
    for (const char* allowed : {"type", "rope_type", "short_factor", "long_factor", "factor", "attention_factor", "rope_theta", "partial_rotary_factor",
                                "original_max_position_embeddings", "max_position_embeddings"}) {
      known = known || name == allowed;
    }
    if (!known && !value.is_null()) rope.problem(name, "is not a field this program computes with");
  }
  config.rope_theta = rope.positive("rope_theta", config.rope_theta);
  config.partial_rotary_factor = rope.positive("partial_rotary_factor", config.partial_rotary_factor);
  const std::int64_t nested = rope.integer("original_max_position_embeddings", config.original_max_positions, 1);
  if (top.has("original_max_position_embeddings") && nested != config.original_max_positions) {
    rope.problem("original_max_position_embeddings",
                 "is " + std::to_string(nested) + ", the field of the same name outside says " + std::to_string(config.original_max_positions));
  }
  config.original_max_positions = nested;

  const std::string type = rope.has("rope_type") ? rope.text("rope_type") : rope.text("type");
  if (type == "default") return;
  if (type != "longrope" && type != "su" && type != "yarn") {
    return rope.problem(rope.has("rope_type") ? "rope_type" : "type",
                        "is \"" + type + "\"; supported are longrope (also spelt su, yarn in old files) and default");
  }
  config.has_longrope = true;
  config.longrope.short_factor = rope.numbers("short_factor");
  config.longrope.long_factor = rope.numbers("long_factor");
  config.longrope.short_attention_factor = config.longrope.long_attention_factor =
      rope.positive("attention_factor", longrope_attention_factor(config.max_positions, config.original_max_positions));
}

void read_tokens(Fields& fields, configs::ModelConfig& config) {
  config.bos_token_id = fields.has("bos_token_id") ? fields.integer("bos_token_id", {}, 0) : kDefaultBosToken;
  if (fields.has("pad_token_id")) {
    config.pad_token_id = fields.integer("pad_token_id", {}, 0);
    if (config.pad_token_id >= config.vocab_size) fields.problem("pad_token_id", "is outside the vocabulary of " + std::to_string(config.vocab_size));
  }
  if (!fields.has("eos_token_id")) return;
  const Json& eos = fields["eos_token_id"];
  for (const Json& id : eos.is_array() ? eos : Json::array({eos})) {
    if (!id.is_number_integer() || id.get<std::int64_t>() < 0) return fields.problem("eos_token_id", "holds " + shown(id) + ", token ids are needed");
    config.eos_token_ids.push_back(id.get<std::int64_t>());
  }
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

double longrope_attention_factor(std::int64_t max_positions, std::int64_t original_max_positions) {
  const double scale = static_cast<double>(max_positions) / static_cast<double>(original_max_positions);
  return scale <= 1.0 ? 1.0 : std::sqrt(1.0 + std::log(scale) / std::log(static_cast<double>(original_max_positions)));
}

configs::ModelConfig model_config_from_json(const Json& json, std::string_view where) {
  if (!json.is_object()) throw ConfigError(std::string(where) + ": not an object");
  std::vector<std::string> problems;
  Fields fields(json, "", problems);
  configs::ModelConfig config;
  config.architecture = configs::Architecture::phi3;
  refuse_foreign_computation(fields);
  if (problems.empty()) {
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
    // A field that is there but null means none; one that is not there means the class default.
    if (!json.contains("pad_token_id") && kDefaultPadToken < config.vocab_size) config.pad_token_id = kDefaultPadToken;
    if (!json.contains("eos_token_id")) config.eos_token_ids = {kDefaultEosToken};
    read_tokens(fields, config);
    read_rope(fields, json, problems, config);
    check_sizes(fields, config);
  }
  if (problems.empty()) return config;
  std::string message = std::string(where) + " cannot be used:";
  for (const std::string& problem : problems) message += "\n  " + problem;
  throw ConfigError(message);
}

OrderedJson model_config_to_json(const configs::ModelConfig& config, std::string_view dtype) {
  OrderedJson json;
  json["architectures"] = {"Phi3ForCausalLM"};
  json["attention_bias"] = false;
  json["attention_dropout"] = 0.0;
  json["bos_token_id"] = config.bos_token_id >= 0 ? OrderedJson(config.bos_token_id) : OrderedJson();
  json["embd_pdrop"] = 0.0;
  if (config.eos_token_ids.size() == 1)
    json["eos_token_id"] = config.eos_token_ids[0];
  else
    json["eos_token_id"] = config.eos_token_ids.empty() ? OrderedJson() : OrderedJson(config.eos_token_ids);
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
  json["pad_token_id"] = config.pad_token_id >= 0 ? OrderedJson(config.pad_token_id) : OrderedJson();
  json["partial_rotary_factor"] = config.partial_rotary_factor;
  json["resid_pdrop"] = 0.0;
  json["rms_norm_eps"] = config.rms_norm_eps;
  json["rope_scaling"] = nullptr;
  if (config.has_longrope) {
    OrderedJson rope = {{"long_factor", config.longrope.long_factor}, {"short_factor", config.longrope.short_factor}, {"type", "longrope"}};
    // transformers computes the usual factor itself and accepts no fourth field in its version 4.
    const double usual = longrope_attention_factor(config.max_positions, config.original_max_positions);
    if (std::abs(config.longrope.short_attention_factor - usual) > 1e-12) rope["attention_factor"] = config.longrope.short_attention_factor;
    json["rope_scaling"] = rope;
  }
  json["rope_theta"] = config.rope_theta;
  json["sliding_window"] = config.sliding_window > 0 ? OrderedJson(config.sliding_window) : OrderedJson();
  json["tie_word_embeddings"] = config.tied_head;
  json["torch_dtype"] = dtype;
  json["transformers_version"] = "4.57.3";
  json["use_cache"] = true;
  json["vocab_size"] = config.vocab_size;
  return json;
}

}  // namespace phidias::models
