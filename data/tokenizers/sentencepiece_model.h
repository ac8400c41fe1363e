// Reader of SentencePiece's tokenizer.model (a protocol-buffer message), for byte-pair encoding as Llama and Phi-3 use it.
//
// Merge rules come from the pieces' scores as in transformers' converter: every split of a piece into two pieces is a rule, rules are ordered by
// falling score of the piece. For Phi-3 this gives the 61249 rules of the published tokenizer.json in their order. The U+2581 prefix goes before every
// text between added tokens, as in the published tokenizer.json.
#pragma once

#include <string_view>

#include "data/tokenizers/definition.h"

namespace phidias::data {

// Throws DataError naming the byte position of damage, or what is not supported (unigram models).
TokenizerDefinition read_sentencepiece_model(std::string_view bytes, std::string_view name);

}  // namespace phidias::data
