// Any bytes as tokenizer.json: a tokenizer that encodes and decodes, or DataError.
//   clang: libFuzzer target tokenizer_json_fuzz; elsewhere tests/data/tokenizers/mutated_files_test.cpp calls the same function.
#include <cstdint>
#include <string_view>

#include "base/error.h"
#include "data/tokenizers/bpe_tokenizer.h"
#include "data/tokenizers/tokenizer_json.h"
#include "data/tokenizers/transformers_config.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  using namespace phidias::data;
  const std::string_view text(reinterpret_cast<const char*>(bytes), size);
  try {
    TokenizerDefinition definition = read_tokenizer_json(text, "tokenizer.json");
    apply_transformers_config({}, definition);
    const BpeTokenizer tokenizer(std::move(definition), {});
    std::vector<std::int32_t> ids;
    std::vector<ByteRange> offsets;
    tokenizer.encode("Hello \xE2\x96\x81 w\xC3\xB6rld 123\n  x</s><|end|> ", {}, ids, &offsets);
    tokenizer.decode(ids, false);
    tokenizer.decode(ids, true);
  } catch (const phidias::DataError&) {
  }
  // The same bytes as the files beside a tokenizer.
  try {
    TokenizerDefinition definition;
    definition.vocabulary.add("<s>", 0);
    definition.vocabulary.add("</s>", 1);
    const std::string file(text);
    apply_transformers_config({.tokenizer_config = file, .special_tokens_map = file, .added_tokens = file, .model_class = "LlamaTokenizer"}, definition);
  } catch (const phidias::DataError&) {
  }
  return 0;
}
