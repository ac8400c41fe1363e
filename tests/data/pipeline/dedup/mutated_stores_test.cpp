// Deterministic mutations of a real store through the fuzz target: no crash, no exception but DataError.
#include <gtest/gtest.h>

#include <random>

#include "base/atomic_file.h"
#include "parallel/single_process.h"
#include "tests/data/temporary_directory.h"
#include "tests/fuzz/signature_store_fuzz.cpp"

namespace phidias::data::pipeline {
namespace {

TEST(MutatedStores, NeverLeadOutOfTheirBytes) {
  const TemporaryDirectory directory;
  RecordList list;
  for (int i = 0; i < 4; ++i) {
    std::string record;
    append_minhash_record(record, i, "id", std::vector<std::uint64_t>{1, 2}, std::vector<std::uint32_t>(static_cast<std::size_t>(i), 7));
    list.add(record);
  }
  const std::string records = list.bytes();
  const std::vector<CollectedUnit> units{{0, "web", RecordListView(records)}};
  parallel::SingleProcess alone;
  write_store(directory.path() / "store", "dedup", "parameters", {.units = units, .documents = 4, .group = &alone, .scratch = directory.path()},
              [](std::int64_t) { return true; });
  const std::string whole = read_file(store_path(directory.path() / "store", "dedup"));
  EXPECT_EQ(read_store(whole, "store", "parameters").size(), 4u);
  std::mt19937 generator(1);
  for (int round = 0; round < 20000; ++round) {
    std::string bytes = whole;
    for (std::uint32_t i = generator() % 4; i > 0; --i) bytes[generator() % bytes.size()] = static_cast<char>(generator() % 3 == 0 ? 0xff : generator());
    if (generator() % 3 == 0) bytes.resize(generator() % bytes.size());
    EXPECT_EQ(LLVMFuzzerTestOneInput(reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()), 0);
  }
}

}  // namespace
}  // namespace phidias::data::pipeline
