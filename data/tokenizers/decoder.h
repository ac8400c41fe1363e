// Token strings back to text: the decoder chain of tokenizer.json.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "data/tokenizers/definition.h"

namespace phidias::data {

// Text of `tokens` under the steps in order; without a decoder the tokens are joined by spaces.
//   byte_fallback: a run of <0xNN> tokens becomes its bytes where they are valid UTF-8, else one U+FFFD per token
//   byte_level:    the bytes of the GPT-2 alphabet, invalid runs replaced by U+FFFD
std::string decode_tokens(const std::optional<std::vector<DecoderStep>>& steps, std::vector<std::string> tokens);

// transformers' clean_up_tokenization: " ." becomes "." and so on.
std::string clean_up_spaces(std::string text);

}  // namespace phidias::data
