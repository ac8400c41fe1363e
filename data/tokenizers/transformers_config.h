// What transformers (4.57) makes of the files beside the tokenizer itself: tokenizer_config.json, special_tokens_map.json, added_tokens.json.
//
// - added_tokens_decoder of tokenizer_config.json is declared after tokenizer.json's added tokens: where they disagree, the config wins. Without
//   it, added_tokens.json and special_tokens_map.json are read instead.
// - named tokens (bos_token ...) become added tokens, special ones, when they are not yet.
// - tokenizer_class Llama: add_bos_token (default true!) and add_eos_token replace the post-processor; bos, eos and unk have defaults.
#pragma once

#include <optional>
#include <string>

#include "data/tokenizers/definition.h"

namespace phidias::data {

// Texts of the files; an absent file is an empty optional. `model_class` stands in for a missing tokenizer_class.
struct TransformersFiles {
  std::optional<std::string> tokenizer_config, special_tokens_map, added_tokens;
  std::string model_class;
};

// Throws DataError naming file and field.
void apply_transformers_config(const TransformersFiles& files, TokenizerDefinition& definition);

}  // namespace phidias::data
