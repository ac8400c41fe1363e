// The tokenizer of a directory that has none: token records still work, and everything that needs words says what is missing.
#pragma once

#include <filesystem>
#include <memory>

#include "data/tokenizers/tokenizer.h"

namespace phidias::data {

// tokenizer.json, tokenizer.model or a *.tiktoken file is there.
bool has_tokenizer(const std::filesystem::path& directory);

// Tokenizer::load where there is one; otherwise one that throws DataError when asked for ids or words.
std::unique_ptr<Tokenizer> load_tokenizer_if_present(const std::filesystem::path& directory);

}  // namespace phidias::data
