// Any bytes as a mixture file: a configuration, or ConfigError.
//   clang: libFuzzer target mixture_config_fuzz; elsewhere tests/data/mixture/mixture_config_test.cpp calls the same function.
#include <cstdint>
#include <cstdlib>
#include <string>

#include "base/error.h"
#include "data/mixture/mixture_config.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  using namespace phidias;
  try {
    const data::mixture::MixtureConfig config = data::mixture::parse_mixture_config({reinterpret_cast<const char*>(bytes), size}, "fuzz");
    if (config.phases.empty() || config.sources.empty()) std::abort();
  } catch (const ConfigError&) {
  }
  return 0;
}
