// Hugging Face's config.json <-> configs::ModelConfig, for model_type phi3, phimoe and phi3small.
//
// Reads the spellings of all releases: rope_scaling {type or rope_type: longrope, su, yarn}, rope_parameters of transformers 5,
// torch_dtype or dtype, eos_token_id a number or a list. Whatever would change numbers and is not computed here is refused by field name,
// all at once: a directory never runs wrongly. Sizes must be there; other fields have the defaults of transformers' Phi3Config and
// PhimoeConfig (4.57.3) and of Phi-3-small's own class. phimoe's output_router_logits plays no part: the coefficient of the load-balancing
// loss alone says whether training has it. phi3small's dummy_token_indices may be absent where the vocabulary is the released one.
#pragma once

#include <string_view>

#include "base/json_fwd.h"
#include "configs/model_config.h"

namespace phidias::models {

// `where` names the file in errors. Throws ConfigError.
configs::ModelConfig model_config_from_json(const Json& json, std::string_view where);

// What transformers 4.57.3 loads (of phi3small: with the release's Python files beside it), and reads back here as the same configuration.
// dtype: "float32", "bfloat16", "float16".
OrderedJson model_config_to_json(const configs::ModelConfig& config, std::string_view dtype);

using configs::longrope_attention_factor;

}  // namespace phidias::models
