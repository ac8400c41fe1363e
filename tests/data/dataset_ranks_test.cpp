#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "base/error.h"
#include "base/hash.h"
#include "data/dataset.h"
#include "tests/data/byte_tokenizer.h"
#include "tests/data/temporary_directory.h"
#include "tests/support/mpi_test.h"

namespace phidias::data {
namespace {

const ByteTokenizer kTokenizer;

// One directory for all ranks, made and removed by rank 0.
class SharedDirectory {
 public:
  SharedDirectory() : group_(mpi_test::world().host()) {
    path_ = std::filesystem::temp_directory_path() / ("phidias-dataset-ranks-" + parallel::broadcast_string(group_, std::to_string(getpid())));
    if (group_.rank() == 0) std::filesystem::create_directories(path_);
    group_.barrier();
  }
  ~SharedDirectory() {
    group_.barrier();
    if (group_.rank() == 0) std::filesystem::remove_all(path_);
  }
  std::string write(const std::string& name, const std::string& content) const {
    if (group_.rank() == 0) std::ofstream(path_ / name, std::ios::binary) << content;
    group_.barrier();
    return (path_ / name).string();
  }
  const std::filesystem::path& path() const { return path_; }

 private:
  parallel::Communicator& group_;
  std::filesystem::path path_;
};

PrepareOptions options() {
  PrepareOptions result;
  result.tokenizer = &kTokenizer;
  result.data.chat_template = "phi-3-mini";
  result.max_length = 64;
  result.communicator = &mpi_test::world().host();
  return result;
}

std::string text_lines(int count, int bad = -1) {
  std::string text;
  for (int i = 1; i <= count; ++i)
    text += i == bad ? "broken\n" : "{\"text\": \"record " + std::to_string(i) + std::string(static_cast<std::size_t>(i % 90), 'x') + "\"}\n";
  return text;
}

std::string digest(const TokenStore& store) {
  Hasher hasher;
  for (std::int64_t i = 0; i < store.documents(); ++i) {
    const Document document = store.document(i);
    hasher.update(document.ids.data(), document.ids.size_bytes())
        .update(document.trained.data(), document.trained.size_bytes())
        .update(&document.line, sizeof(document.line));
  }
  return hasher.digest().hex();
}

TEST(DatasetRanks, ShareTheWorkAndHoldWhatOneProcessMakes) {
  const SharedDirectory directory;
  const std::string path = directory.write("train.jsonl", text_lines(20000));
  PrepareOptions alone = options();
  alone.communicator = nullptr;
  const std::string expected = digest(*prepare_sources({{.path = path}}, alone)[0].store);
  PrepareReport report;
  EXPECT_EQ(digest(*prepare_sources({{.path = path}}, options(), &report)[0].store), expected);
  EXPECT_EQ(report.sources[0].counters.records, 20000);

  PrepareOptions cached = options();
  cached.cache_directory = directory.path() / "cache";
  cached.memory_bytes = 1;
  EXPECT_EQ(digest(*prepare_sources({{.path = path}}, cached)[0].store), expected);
  PrepareReport again;
  EXPECT_EQ(digest(*prepare_sources({{.path = path}}, cached, &again)[0].store), expected);
  EXPECT_TRUE(again.sources[0].from_cache);
}

TEST(DatasetRanks, ThrowTheSameErrorOnEveryRank) {
  const SharedDirectory directory;
  const std::string path = directory.write("train.jsonl", text_lines(20000, 12345));
  EXPECT_TRUE(message_of<DataError>([&] { prepare_sources({{.path = path}}, options()); }).starts_with(path + ":12345: not valid JSON"));
  PrepareOptions skip = options();
  skip.data.on_error = configs::OnError::skip;
  PrepareReport report;
  prepare_sources({{.path = path}}, skip, &report);
  EXPECT_EQ(report.sources[0].counters.skipped, 1);
  EXPECT_TRUE(report.sources[0].first_skipped.starts_with(path + ":12345: "));
  EXPECT_THROW(prepare_sources({{.path = (directory.path() / "missing.jsonl").string()}}, options()), DataError);
}

}  // namespace
}  // namespace phidias::data
