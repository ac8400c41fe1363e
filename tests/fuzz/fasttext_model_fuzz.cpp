// Any bytes as a fastText model: a classifier that scores texts, or DataError.
//   clang: libFuzzer target fasttext_model_fuzz; elsewhere tests/data/pipeline/classify/mutated_models_test.cpp calls the same function.
#include <cstdint>
#include <string>
#include <string_view>

#include "base/error.h"
#include "data/pipeline/classify/fasttext_classifier.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  using namespace phidias::data::pipeline;
  try {
    const FastTextClassifier model = FastTextClassifier::parse({reinterpret_cast<const char*>(bytes), size}, "fuzzed.bin");
    FastTextClassifier::Scratch scratch;
    for (const std::string_view text :
         {"atom energy butter \xD0\xB7\xD0\xB5\xD0\xBC\xD0\xBB\xD1\x8F goal", "", "</s>", "<", "qqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqq"})
      for (const float p : model.probabilities(text, scratch))
        if (!(p >= 0.0f && p <= 1.0f)) __builtin_trap();
  } catch (const phidias::DataError&) {
  }
  return 0;
}
