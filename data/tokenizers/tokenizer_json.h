// Reader of tokenizer.json (Hugging Face tokenizers), for byte-pair encoding in the forms that language models use:
//
//   normalizer       none, or Prepend U+2581 and / or Replace " " by U+2581
//   pre_tokenizer    none, ByteLevel, Sequence [Split(regular expression of word_patterns.h), ByteLevel], Metaspace without split
//   model            BPE (byte_fallback, fuse_unk, ignore_merges; merges as "a b" or ["a", "b"])
//   post_processor   none, ByteLevel, TemplateProcessing, Sequence of these two
//   decoder          none, Sequence of Replace, ByteFallback, Fuse, Strip; ByteLevel
//
// Anything else is refused: DataError naming the field. Truncation and padding do not apply here and are ignored.
#pragma once

#include <string_view>

#include "data/tokenizers/definition.h"

namespace phidias::data {

// `json` is the file's text, `name` its name in errors.
TokenizerDefinition read_tokenizer_json(std::string_view json, std::string_view name);

}  // namespace phidias::data
