// Any bytes at all: the header parser returns or throws CheckpointError, and what it accepts lies inside the file.
//
// A libFuzzer target (clang++ -fsanitize=fuzzer,address) and, without clang, replayed on mutations by tests/models/hub/safetensors_test.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "base/error.h"
#include "models/hub/safetensors.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  try {
    const auto header = phidias::models::parse_safetensors_header({reinterpret_cast<const char*>(data), size}, "fuzz");
    for (const auto& entry : header.tensors) {
      if (entry.begin > entry.end || entry.end > size) std::abort();
    }
  } catch (const phidias::CheckpointError&) {
  }
  return 0;
}
