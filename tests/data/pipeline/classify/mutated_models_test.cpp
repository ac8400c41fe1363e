// Deterministic mutations of the golden models through the fuzz target: no crash, no exception but DataError, no value that is no probability.
#include <gtest/gtest.h>

#include <cstring>
#include <random>

#include "base/atomic_file.h"
#include "tests/fuzz/fasttext_model_fuzz.cpp"
#include "tests/support/mutations.h"

namespace phidias::data::pipeline {
namespace {

void run(const std::string& bytes) { LLVMFuzzerTestOneInput(reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()); }

// Numbers that sizes break at, in four and in eight bytes.
std::vector<std::string> numbers() {
  std::vector<std::string> bytes;
  for (const std::int64_t number :
       {0LL, 1LL, -1LL, 2LL, 255LL, 256LL, 1LL << 20, 2147483647LL, -2147483648LL, 4294967295LL, 9223372036854775807LL, 0x7FC000007FC00000LL})
    for (const std::size_t size : {4, 8}) bytes.emplace_back(reinterpret_cast<const char*>(&number), size);
  return bytes;
}

TEST(MutatedModels, GiveAClassifierOrDataError) {
  const std::filesystem::path folder = std::filesystem::path(PHIDIAS_SOURCE_DIR) / "tests/golden/classifier";
  const Mutations mutations{.tokens = numbers(), .head = 200};  // the settings and the start of the dictionary: most of what follows are weights
  std::mt19937 random(1);
  for (const char* name :
       {"softmax.bin", "hierarchical.bin", "negative.bin", "one_versus_all.bin", "characters.bin", "quantised.ftz", "pruned.ftz", "many_labels.ftz"}) {
    const std::string model = read_file(folder / name);
    run(model);
    for (int i = 0; i < 3000; ++i) run(mutated(model, mutations, random));
  }
}

TEST(MutatedModels, SettingsOfEveryValueGiveAClassifierOrDataError) {
  const std::string model = read_file(std::filesystem::path(PHIDIAS_SOURCE_DIR) / "tests/golden/classifier/hierarchical.bin");
  for (std::size_t field = 0; field < 25; ++field)
    for (const std::int32_t value : {0, 1, 2, 3, 4, 5, 12, 64, 65, 1000, 2147483647, -1, static_cast<std::int32_t>(0x80000000)}) {
      std::string changed = model;
      std::memcpy(changed.data() + field * 4, &value, 4);
      run(changed);
    }
}

}  // namespace
}  // namespace phidias::data::pipeline
