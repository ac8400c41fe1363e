// Any bytes at all as a line of JSON: refused with a reason, or an object whose members can be looked at and that reads back as it was written.
//
// A libFuzzer target (clang++ -fsanitize=fuzzer,address) and, without clang, replayed on mutations by tests/data/json_objects_test.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "base/json.h"
#include "data/json_objects.h"
#include "data/synthetic/prompts_conditions.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  namespace d = phidias::data;
  phidias::OrderedJson value, again;
  if (d::parse_json_object({reinterpret_cast<const char*>(data), size}, value)) return 0;
  if (!value.is_object()) std::abort();
  for (const char* path : {"text", "a.b", "", ".", "annotations.score"}) {
    d::text_at(value, path);
    d::texts_at(value, path);
    d::number_at(value, path);
    d::holds(d::parse_condition("a.b >= 1"), value);
  }
  std::string line = d::json_line(value);
  line.pop_back();
  if (d::parse_json_object(line, again) || again != value) std::abort();
  return 0;
}
