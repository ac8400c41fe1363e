// A small byte-level tokenizer.json for tests: 256 bytes, and the merges of "he", "hel", "hell".
#pragma once

#include <string>

#include "base/json.h"
#include "data/tokenizers/utf8.h"

namespace phidias::data {

inline Json byte_level_json() {
  Json vocabulary = Json::object();
  for (int byte = 0; byte < 256; ++byte) vocabulary[ByteAlphabet::get().from_bytes(std::string(1, static_cast<char>(byte)))] = byte;
  vocabulary["he"] = 256;
  vocabulary["hel"] = 257;
  vocabulary["hell"] = 258;
  return {{"version", "1.0"},
          {"added_tokens", Json::array()},
          {"pre_tokenizer", {{"type", "ByteLevel"}, {"add_prefix_space", false}, {"trim_offsets", true}, {"use_regex", true}}},
          {"decoder", {{"type", "ByteLevel"}}},
          {"model", {{"type", "BPE"}, {"vocab", vocabulary}, {"merges", {"h e", "he l", "hel l"}}}}};
}

inline Json added_token_json(int id, const std::string& content, bool special = true) {
  return {{"id", id}, {"content", content}, {"special", special}, {"normalized", false}, {"single_word", false}, {"lstrip", false}, {"rstrip", false}};
}

}  // namespace phidias::data
