// Deterministic mutations of the golden models through the fuzz target: no crash, no exception but DataError, no value that is no probability.
#include <gtest/gtest.h>

#include <cstring>
#include <random>

#include "base/atomic_file.h"
#include "tests/fuzz/fasttext_model_fuzz.cpp"

namespace phidias::data::pipeline {
namespace {

void run(const std::string& bytes) { LLVMFuzzerTestOneInput(reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()); }

// Cuts, flips, removes, repeats, and writes numbers that sizes break at.
std::string mutated(std::string bytes, std::mt19937& random) {
  static const std::int64_t kNumbers[] = {0, 1, -1, 2, 255, 256, 1 << 20, 2147483647, -2147483648LL, 4294967295LL, 9223372036854775807LL, 0x7FC000007FC00000LL};
  const int changes = 1 + static_cast<int>(random() % 3);
  for (int i = 0; i < changes && !bytes.empty(); ++i) {
    // Half of the changes hit the settings and the start of the dictionary: most of what follows are weights.
    const std::size_t at = random() % (random() % 2 == 0 ? std::min<std::size_t>(bytes.size(), 200) : bytes.size());
    const std::size_t length = std::min<std::size_t>(bytes.size() - at, 1 + random() % 12);
    const std::int64_t number = kNumbers[random() % std::size(kNumbers)];
    switch (random() % 7) {
      case 0:
        bytes.resize(at);
        break;
      case 1:
        bytes[at] = static_cast<char>(bytes[at] ^ (1 << random() % 8));
        break;
      case 2:
        bytes.erase(at, length);
        break;
      case 3:
        bytes.insert(at, bytes.substr(random() % bytes.size(), length));
        break;
      case 4:
        std::memcpy(bytes.data() + at, &number, std::min<std::size_t>(bytes.size() - at, 4));
        break;
      case 5:
        std::memcpy(bytes.data() + at, &number, std::min<std::size_t>(bytes.size() - at, 8));
        break;
      default:
        bytes[at] = static_cast<char>(random());
    }
  }
  return bytes;
}

TEST(MutatedModels, GiveAClassifierOrDataError) {
  const std::filesystem::path folder = std::filesystem::path(PHIDIAS_SOURCE_DIR) / "tests/golden/classifier";
  std::mt19937 random(1);
  for (const char* name :
       {"softmax.bin", "hierarchical.bin", "negative.bin", "one_versus_all.bin", "characters.bin", "quantised.ftz", "pruned.ftz", "many_labels.ftz"}) {
    const std::string model = read_file(folder / name);
    run(model);
    for (int i = 0; i < 3000; ++i) run(mutated(model, random));
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
