// Records as the model sees them: the text of each document token by token, with the trained tokens marked. Plain text.
//
//   train.jsonl:17  chat, 42 tokens, 12 trained
//   <|user|>⏎Sort: pear, cat<|end|>⏎<|assistant|>⏎[[cat, pear<|end|>]]⏎[[<|endoftext|>]]
#pragma once

#include <cstdint>
#include <filesystem>
#include <ostream>
#include <string>

#include "configs/run_config.h"
#include "data/tokenizers/tokenizer.h"

namespace phidias::data {

struct InspectOptions {
  std::filesystem::path tokenizer_directory;  // where `data.chat_template: auto` looks
  configs::DataSection data;                  // template, train_on, over_length, special_tokens_in_content
  std::int64_t max_length = 1 << 20;
  std::int64_t documents = 3;  // records to show, from the start of the file
  bool json = false;           // for machines: one object {line, kind, ids, mask, text} per document
};

// Throws DataError ("file:line: what") at the first bad line.
void inspect_file(const std::string& path, const Tokenizer& tokenizer, const InspectOptions& options, std::ostream& out);

}  // namespace phidias::data
