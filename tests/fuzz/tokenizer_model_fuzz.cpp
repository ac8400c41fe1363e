// Any bytes as tokenizer.model and as a *.tiktoken file: a tokenizer that encodes and decodes, or DataError.
//   clang: libFuzzer target tokenizer_model_fuzz; elsewhere tests/data/tokenizers/mutated_files_test.cpp calls the same function.
#include <cstdint>
#include <string_view>

#include "base/error.h"
#include "data/tokenizers/bpe_tokenizer.h"
#include "data/tokenizers/sentencepiece_model.h"
#include "data/tokenizers/tiktoken_file.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  using namespace phidias::data;
  const std::string_view text(reinterpret_cast<const char*>(bytes), size);
  for (const bool model : {true, false}) {
    try {
      const BpeTokenizer tokenizer(model ? read_sentencepiece_model(text, "tokenizer.model") : read_tiktoken(text, "x.tiktoken", {}), {});
      const auto ids = tokenizer.encode("Hello \xE2\x96\x81 w\xC3\xB6rld 123\n  x</s> ");
      tokenizer.decode(ids, false);
    } catch (const phidias::DataError&) {
    }
  }
  return 0;
}
