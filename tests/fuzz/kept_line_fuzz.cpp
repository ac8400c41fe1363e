// Any bytes as a line of a kept shard: a document, or DataError.
//   clang: libFuzzer target kept_line_fuzz; elsewhere tests/data/mixture/kept_line_test.cpp calls the same function.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "base/error.h"
#include "data/mixture/kept_line.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  using namespace phidias::data::mixture;
  static KeptLineParser parser({"score", "language", "source"});
  try {
    const KeptLine& line = parser.parse({reinterpret_cast<const char*>(bytes), size});
    if (line.kept && (line.values.size() != 3 || line.text.size() > size)) std::abort();
  } catch (const phidias::DataError&) {
  }
  return 0;
}
