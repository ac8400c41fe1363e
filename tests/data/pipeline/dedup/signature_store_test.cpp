#include "data/pipeline/dedup/signature_store.h"

#include <gtest/gtest.h>

#include "base/error.h"
#include "parallel/single_process.h"
#include "tests/data/temporary_directory.h"

namespace phidias::data::pipeline {
namespace {

// Three documents in two units; the second has nothing to compare, the third does not survive.
void write_sample(const std::filesystem::path& directory) {
  RecordList first, second;
  first.add("alpha");
  first.add("");
  second.add("gone");
  second.add("beta");
  const std::string a = first.bytes(), b = second.bytes();
  const std::vector<CollectedUnit> units{{0, "web", RecordListView(a)}, {2, "web", RecordListView(b)}};
  parallel::SingleProcess alone;
  std::filesystem::create_directories(directory / "scratch");
  write_store(directory / "store", "dedup", "parameters", {.units = units, .documents = 4, .group = &alone, .scratch = directory / "scratch"},
              [](std::int64_t document) { return document != 2; });
}

TEST(SignatureStore, GivesBackTheSurvivorsInOrder) {
  const TemporaryDirectory directory;
  write_sample(directory.path());
  const SignatureStore store(store_path(directory.path() / "store", "dedup"), "parameters");
  ASSERT_EQ(store.records().size(), 2u);
  EXPECT_EQ(store.records()[0], "alpha");
  EXPECT_EQ(store.records()[1], "beta");
}

TEST(SignatureStore, RefusesWhatWasMadeWithOtherParametersOrIsMissing) {
  const TemporaryDirectory directory;
  write_sample(directory.path());
  const std::string path = store_path(directory.path() / "store", "dedup");
  EXPECT_NE(message_of<DataError>([&] { SignatureStore(path, "others"); }).find("made with other settings"), std::string::npos);
  EXPECT_THROW(SignatureStore(directory.path() / "nowhere", "parameters"), DataError);
}

TEST(SignatureStore, RefusesEveryTruncationAndEveryChangedByte) {
  const TemporaryDirectory directory;
  write_sample(directory.path());
  const std::string whole = read_file(store_path(directory.path() / "store", "dedup"));
  ASSERT_EQ(whole.size(), 64u + 8 + 16 + 9);
  for (std::size_t size = 0; size < whole.size(); ++size) {
    const std::string path = directory.write("broken", whole.substr(0, size));
    EXPECT_THROW(SignatureStore(path, "parameters"), DataError) << size;
  }
  for (std::size_t i = 0; i < whole.size(); ++i) {
    std::string changed = whole;
    changed[i] = static_cast<char>(changed[i] ^ 1);
    const std::string path = directory.write("broken", changed);
    EXPECT_THROW(SignatureStore(path, "parameters"), DataError) << i;
  }
  EXPECT_THROW(SignatureStore(directory.write("longer", whole + "x"), "parameters"), DataError);
}

}  // namespace
}  // namespace phidias::data::pipeline
