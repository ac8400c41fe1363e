// Any bytes as lines of JSON: documents or DataError; what is read is written as a line that reads back as the same line.
//   clang: libFuzzer target jsonl_documents_fuzz; elsewhere tests/data/pipeline/read/mutated_inputs_test.cpp calls the same function.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "base/error.h"
#include "data/line_blocks.h"
#include "data/pipeline/read/document_output.h"
#include "data/pipeline/read/json_document.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  using namespace phidias::data;
  using namespace phidias::data::pipeline;
  // The first byte chooses the settings, so that dotted names are met as well.
  const bool dotted = size > 0 && bytes[0] % 2 == 1;
  InputFile file{.path = "fuzz.jsonl", .members = {}, .format = InputFormat::jsonl, .source = {.path = "fuzz.jsonl", .source = "fuzz"}};
  if (dotted) file.source.text_field = "a.text", file.source.id_field = "a.id";
  InputFile again = file;
  again.source = {.path = "fuzz.jsonl", .source = "fuzz"};
  JsonDocuments documents(file), written(again);
  const LineBlock block{.index = 0, .first_line = 1, .owner = nullptr, .text = {reinterpret_cast<const char*>(bytes), size}};
  for_each_line(block, [&](std::int64_t number, std::string_view line) {
    Document document, copy;
    std::string first, second;
    try {
      documents.parse(line, line.size(), number, document);
    } catch (const phidias::DataError&) {
      return;
    }
    append_document_line(document, {}, first);
    try {
      written.parse(first, first.size(), number, copy);
    } catch (const phidias::DataError&) {
      std::abort();
    }
    append_document_line(copy, {}, second);
    if (first != second) std::abort();
  });
  return 0;
}
