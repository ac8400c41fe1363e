// Reader of *.tiktoken files: one "base64(bytes) rank" a line, as Phi-3-small ships cl100k_base.tiktoken.
//
// tiktoken merges the adjacent pair whose concatenation has the lowest rank; as rules: every split of a token into two tokens, with the token's
// rank. Pieces are kept in the GPT-2 alphabet, ids are ranks.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "data/tokenizers/definition.h"

namespace phidias::data {

using NamedIds = std::vector<std::pair<std::string, std::int32_t>>;

// `special` tokens get their ids beside the ranks. Throws DataError naming the line.
TokenizerDefinition read_tiktoken(std::string_view text, std::string_view name, const NamedIds& special);

// The 96 special tokens of Phi-3-small, ids 100256 to 100351.
NamedIds phi3_small_special_tokens();

}  // namespace phidias::data
