// The architectures' parts of config_json.h: what each reads, refuses and writes, and what they share. Problems go into the fields' list.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <vector>

#include "base/json.h"
#include "configs/model_config.h"
#include "models/hub/config_fields.h"

namespace phidias::models {

// config_json_phi3.cpp, config_json_phimoe.cpp, config_json_phi3small.cpp. `config.architecture` is set.
void read_phi3_config(Fields& fields, configs::ModelConfig& config);
void read_phimoe_config(Fields& fields, configs::ModelConfig& config);
void read_phi3small_config(Fields& fields, configs::ModelConfig& config);
void write_phi3_config(const configs::ModelConfig& config, OrderedJson& json);
void write_phimoe_config(const configs::ModelConfig& config, OrderedJson& json);
void write_phi3small_config(const configs::ModelConfig& config, OrderedJson& json);

// architectures[0], where given, is one of `names`; no quantisation; biases (attention_bias, ...) are false and dropouts 0 where listed.
void refuse_foreign_computation(Fields& fields, std::initializer_list<const char*> architectures, std::initializer_list<const char*> biases,
                                std::initializer_list<const char*> dropouts);
// layer_types, where given, has the same attention in every layer, as sliding_window says.
void refuse_mixed_layers(Fields& fields);

// Where the rotary fields of an architecture differ.
struct RopeRules {
  const char* theta_key = "rope_theta";
  double default_theta = 10000.0;
  std::optional<std::int64_t> default_original;  // none: needed with LongRoPE, else max_position_embeddings
};
// rope_scaling (transformers 4) or rope_parameters (5). Wants config.max_positions. Attention factors: see configs::LongRopeConfig.
void read_rope(Fields& top, const RopeRules& rules, configs::ModelConfig& config);

// Tokens of fields that are there; a null one means none.
void read_tokens(Fields& fields, configs::ModelConfig& config);
// What configs::model_config_problems finds.
void check_whole(Fields& fields, const configs::ModelConfig& config);

OrderedJson token_json(std::int64_t id);                         // null for -1
OrderedJson tokens_json(const std::vector<std::int64_t>& ids);   // null, a number or a list
OrderedJson longrope_json(const configs::LongRopeConfig& rope);  // the two lists and type
OrderedJson optional_json(std::int64_t value);                   // null for 0

}  // namespace phidias::models
