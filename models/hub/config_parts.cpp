// What the architectures share: models/hub/config_architectures.h.
#include <algorithm>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "models/hub/config_architectures.h"
#include "models/hub/config_json.h"

namespace phidias::models {

namespace {

void refuse_unknown_rope_fields(Fields& rope, configs::Architecture architecture) {
  static const std::vector<std::string> kCommon = {"type",
                                                   "rope_type",
                                                   "short_factor",
                                                   "long_factor",
                                                   "factor",
                                                   "partial_rotary_factor",
                                                   "rope_theta",
                                                   "original_max_position_embeddings",
                                                   "max_position_embeddings"};
  const std::vector<std::string> own =
      architecture == configs::Architecture::phi3 ? std::vector<std::string>{"attention_factor"} : std::vector<std::string>{"short_mscale", "long_mscale"};
  for (const auto& [name, value] : rope.json().items()) {
    const bool is_known = std::find(kCommon.begin(), kCommon.end(), name) != kCommon.end() || std::find(own.begin(), own.end(), name) != own.end();
    if (!is_known && !value.is_null()) rope.problem(name, "is not a field this program computes with");
  }
}

// Of phi3 the file's attention_factor or the usual one; phimoe's file must have both scales; of phi3small a missing one, or one that is not
// positive, is 1 (short) and the usual one (long).
void read_attention_factors(Fields& rope, configs::ModelConfig& config) {
  const double usual = longrope_attention_factor(config.max_positions, config.original_max_positions);
  configs::LongRopeConfig& scales = config.longrope;
  scales.short_attention_factor = scales.long_attention_factor = usual;
  switch (config.architecture) {
    case configs::Architecture::phi3:
      scales.short_attention_factor = scales.long_attention_factor = rope.positive("attention_factor", usual);
      break;
    case configs::Architecture::phimoe:
      for (const auto& [key, scale] : {std::pair("short_mscale", &scales.short_attention_factor), std::pair("long_mscale", &scales.long_attention_factor)}) {
        if (rope.has(key))
          *scale = rope.positive(key, usual);
        else
          rope.problem(key, "is missing");
      }
      break;
    case configs::Architecture::phi3small:
      for (const auto& [key, scale, otherwise] :
           {std::tuple("short_mscale", &scales.short_attention_factor, 1.0), std::tuple("long_mscale", &scales.long_attention_factor, usual)}) {
        const double given = rope.number(key, -1.0);
        *scale = given > 0.0 ? given : otherwise;
      }
      break;
  }
}

}  // namespace

void refuse_foreign_computation(Fields& fields, std::initializer_list<const char*> architectures, std::initializer_list<const char*> biases,
                                std::initializer_list<const char*> dropouts) {
  if (fields.has("architectures") && fields["architectures"].is_array() && !fields["architectures"].empty()) {
    const Json& first = fields["architectures"][0];
    const bool is_known = std::any_of(architectures.begin(), architectures.end(), [&first](const char* name) { return first == name; });
    fields.refuse_unless(is_known, "architectures", "only " + std::string(*architectures.begin()) + " is supported");
  }
  for (const char* bias : biases) fields.refuse_unless(!fields.boolean(bias, false), bias, "projections with biases are not supported");
  for (const char* dropout : dropouts) fields.refuse_unless(fields.number(dropout, 0.0) == 0.0, dropout, "dropout is not supported (set it to 0.0)");
  fields.refuse_unless(!fields.has("quantization_config"), "quantization_config", "quantised weights are not supported: use the original directory");
}

void refuse_mixed_layers(Fields& fields) {
  if (!fields.has("layer_types")) return;
  const std::string kind = fields.has("sliding_window") ? "sliding_attention" : "full_attention";
  for (const Json& type : fields["layer_types"]) {
    if (type != kind)
      return fields.problem("layer_types", "holds " + shown(type) + "; this architecture has the same attention in every layer (" + kind + " here)");
  }
}

void read_rope(Fields& top, const RopeRules& rules, configs::ModelConfig& config) {
  constexpr const char* kOriginal = "original_max_position_embeddings";
  config.rope_theta = top.positive(rules.theta_key, rules.default_theta);
  config.partial_rotary_factor = top.positive("partial_rotary_factor", 1.0);
  const bool has_original = top.has(kOriginal);
  config.original_max_positions = top.integer(kOriginal, rules.default_original.value_or(config.max_positions), 1);
  const std::string key = top.has("rope_parameters") ? "rope_parameters" : "rope_scaling";
  if (!top.has(key)) return;
  if (!top[key].is_object()) return top.problem(key, "is not an object");
  Fields rope(top[key], key + ".", top.problems());
  refuse_unknown_rope_fields(rope, config.architecture);
  config.rope_theta = rope.positive("rope_theta", config.rope_theta);
  config.partial_rotary_factor = rope.positive("partial_rotary_factor", config.partial_rotary_factor);
  const std::int64_t nested = rope.integer(kOriginal, config.original_max_positions, 1);
  if (has_original && nested != config.original_max_positions) {
    rope.problem(kOriginal, "is " + std::to_string(nested) + ", the field of the same name outside says " + std::to_string(config.original_max_positions));
  }
  config.original_max_positions = nested;

  const std::string type = rope.has("rope_type") ? rope.text("rope_type") : rope.text("type");
  if (type == "default") return;
  if (type != "longrope" && type != "su" && type != "yarn") {
    return rope.problem(rope.has("rope_type") ? "rope_type" : "type",
                        "is \"" + type + "\"; supported are longrope (also spelt su, yarn in old files) and default");
  }
  if (!has_original && !rope.has(kOriginal) && !rules.default_original) rope.problem(kOriginal, "is missing");
  config.has_longrope = true;
  config.longrope.short_factor = rope.numbers("short_factor");
  config.longrope.long_factor = rope.numbers("long_factor");
  read_attention_factors(rope, config);
}

void read_tokens(Fields& fields, configs::ModelConfig& config) {
  if (fields.json().contains("bos_token_id")) config.bos_token_id = fields.has("bos_token_id") ? fields.integer("bos_token_id", {}, 0) : -1;
  if (fields.json().contains("pad_token_id")) config.pad_token_id = fields.has("pad_token_id") ? fields.integer("pad_token_id", {}, 0) : -1;
  if (config.pad_token_id >= config.vocab_size) fields.problem("pad_token_id", "is outside the vocabulary of " + std::to_string(config.vocab_size));
  if (!fields.json().contains("eos_token_id")) return;
  config.eos_token_ids.clear();
  if (!fields.has("eos_token_id")) return;
  const Json& eos = fields["eos_token_id"];
  for (const Json& id : eos.is_array() ? eos : Json::array({eos})) {
    if (!id.is_number_integer() || id.get<std::int64_t>() < 0) return fields.problem("eos_token_id", "holds " + shown(id) + ", token ids are needed");
    config.eos_token_ids.push_back(id.get<std::int64_t>());
  }
}

void check_whole(Fields& fields, const configs::ModelConfig& config) {
  for (std::string& problem : configs::model_config_problems(config)) fields.problems().push_back(std::move(problem));
}

OrderedJson token_json(std::int64_t id) { return id >= 0 ? OrderedJson(id) : OrderedJson(); }

OrderedJson tokens_json(const std::vector<std::int64_t>& ids) {
  if (ids.empty()) return {};
  return ids.size() == 1 ? OrderedJson(ids[0]) : OrderedJson(ids);
}

OrderedJson longrope_json(const configs::LongRopeConfig& rope) {
  return {{"long_factor", rope.long_factor}, {"short_factor", rope.short_factor}, {"type", "longrope"}};
}

OrderedJson optional_json(std::int64_t value) { return value > 0 ? OrderedJson(value) : OrderedJson(); }

}  // namespace phidias::models
