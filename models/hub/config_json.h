// Hugging Face's config.json <-> configs::ModelConfig.
//
// Reads the spellings of all releases: rope_scaling {type or rope_type: longrope, su, yarn}, rope_parameters of transformers 5,
// torch_dtype or dtype, eos_token_id a number or a list. Whatever would change numbers and is not computed here is refused by field name,
// all at once: a directory never runs wrongly. Sizes must be there; other fields have the defaults of transformers' Phi3Config (4.57.3).
#pragma once

#include <string_view>

#include "base/json_fwd.h"
#include "configs/model_config.h"

namespace phidias::models {

// `where` names the file in errors. Throws ConfigError.
configs::ModelConfig model_config_from_json(const Json& json, std::string_view where);

// What transformers 4.57.3 loads as Phi3ForCausalLM. dtype: "float32", "bfloat16", "float16".
OrderedJson model_config_to_json(const configs::ModelConfig& config, std::string_view dtype);

// sqrt(1 + ln(s) / ln(original)), s = max / original; 1 when s <= 1 (arXiv 2402.13753; modeling_rope_utils).
double longrope_attention_factor(std::int64_t max_positions, std::int64_t original_max_positions);

}  // namespace phidias::models
