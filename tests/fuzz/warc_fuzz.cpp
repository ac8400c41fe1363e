// Any bytes as a WARC file, plain or compressed: documents and problems, or DataError; every text is valid UTF-8.
//   clang: libFuzzer target warc_fuzz; elsewhere tests/data/pipeline/read/mutated_inputs_test.cpp calls the same function.
#include <cstdint>
#include <cstdlib>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "data/pipeline/read/formats.h"
#include "data/tokenizers/utf8.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  using namespace phidias::data::pipeline;
  const std::string_view text(reinterpret_cast<const char*>(bytes), size);
  const InputFile file{.path = "fuzz.warc", .members = {}, .format = InputFormat::warc, .source = {.path = "fuzz.warc", .source = "fuzz"}};
  try {
    const auto reader = open_warc(file, nullptr, text, 1000);
    ReadProblems problems;
    Document document;
    while (reader->advance()) {
      const auto unit = reader->take();
      for (document.clear(); unit->next(document, problems); document.clear()) {
        for (const std::string_view part :
             {std::string_view(document.text()), std::string_view(document.id), std::string_view(document.url), std::string_view(document.fields)})
          if (phidias::data::find_invalid_utf8(part) != std::string::npos) std::abort();
      }
    }
  } catch (const phidias::DataError&) {
  }
  return 0;
}
