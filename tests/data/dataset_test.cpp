#include "data/dataset.h"

#include <gtest/gtest.h>

#include "base/atomic_file.h"
#include "base/error.h"
#include "base/json.h"
#include "tests/data/byte_tokenizer.h"
#include "tests/data/temporary_directory.h"

namespace phidias::data {
namespace {

const ByteTokenizer kTokenizer;

PrepareOptions options() {
  PrepareOptions result;
  result.tokenizer = &kTokenizer;
  result.data.chat_template = "phi-3-mini";
  result.max_length = 64;
  return result;
}

std::vector<configs::DataSource> sources(const std::string& path, const std::string& kind = "auto") { return {{.path = path, .weight = 1.0, .kind = kind}}; }

std::string chat_line(const std::string& question, const std::string& answer) {
  return Json{{"messages", {{{"role", "user"}, {"content", question}}, {{"role", "assistant"}, {"content", answer}}}}}.dump() + "\n";
}

std::string bytes_of(const TokenStore& store) {
  std::string text;
  for (std::int64_t i = 0; i < store.documents(); ++i) {
    const Document document = store.document(i);
    for (std::size_t t = 0; t < document.ids.size(); ++t) text += std::to_string(document.ids[t]) + (document.trained[t] != 0 ? "+ " : " ");
    text += "@" + std::to_string(document.line) + "\n";
  }
  return text;
}

TEST(Dataset, ChatFileBecomesAStoreWithAReport) {
  const TemporaryDirectory directory;
  const std::string path = directory.write(
      "train.jsonl", chat_line("q", "a") + "\n" + chat_line(std::string(100, 'q'), "a") + chat_line("x<|end|>", "b") + chat_line("r", std::string(90, 'b')));
  PrepareReport report;
  const std::vector<WeightedStore> stores = prepare_sources(sources(path), options(), &report);
  ASSERT_EQ(stores.size(), 1U);
  EXPECT_EQ(stores[0].store->documents(), 3);
  EXPECT_EQ(stores[0].store->describe(1), path + ":4");
  EXPECT_EQ(report.chat_template, "phi-3-mini");
  const PrepareCounters& counters = report.sources.at(0).counters;
  EXPECT_EQ(counters, (PrepareCounters{.records = 4, .truncated = 2, .dropped_no_target = 1, .forged_specials = 1}));
  const std::string summary = report.summary();
  EXPECT_NE(summary.find("3 documents (chat)"), std::string::npos) << summary;
  EXPECT_NE(summary.find("2 records longer than data.max_length cut"), std::string::npos) << summary;
}

TEST(Dataset, AFolderIsAskedForItsFile) {
  const TemporaryDirectory directory;
  EXPECT_NE(message_of<DataError>([&] { prepare_sources(sources(directory.path().string()), options()); }).find(": a folder; name the file"),
            std::string::npos);
}

TEST(Dataset, FirstBadLineStopsWithFileAndLine) {
  const TemporaryDirectory directory;
  std::string text;
  for (int i = 1; i <= 3000; ++i) text += i == 1500 ? "{\"messages\": [\n" : i == 2999 ? "junk\n" : chat_line("question " + std::to_string(i), "answer");
  const std::string path = directory.write("train.jsonl", text);
  PrepareOptions with = options();
  for (const int threads : {1, 4}) {
    with.threads = threads;
    const std::string message = message_of<DataError>([&] { prepare_sources(sources(path), with); });
    EXPECT_TRUE(message.starts_with(path + ":1500: not valid JSON")) << message;
  }
}

TEST(Dataset, BadLinesAreSkippedAndCountedWhenAsked) {
  const TemporaryDirectory directory;
  const std::string path = directory.write(
      "train.jsonl",
      chat_line("q", "a") + "{broken\n" + "{\"messages\": []}\n{\"text\": \"\xff\"}\n{\"messages\": [{\"role\": \"robot\", \"content\": \"x\"}]}\n" +
          "{\"prompt\": \"a\", \"chosen\": \"b\", \"rejected\": \"c\"}\n" + "{\"text\": \"" + std::string(65 << 20, 'x') + "\"}\n" + chat_line("r", "b"));
  PrepareOptions with = options();
  with.data.on_error = configs::OnError::skip;
  PrepareReport report;
  const auto stores = prepare_sources(sources(path), with, &report);
  EXPECT_EQ(stores[0].store->documents(), 2);
  EXPECT_EQ(report.sources[0].counters.skipped, 6);
  EXPECT_TRUE(report.sources[0].first_skipped.starts_with(path + ":2: ")) << report.sources[0].first_skipped;
  EXPECT_EQ(stores[0].store->describe(1), path + ":8");
  with.data.on_error = configs::OnError::stop;
  EXPECT_TRUE(message_of<DataError>([&] { prepare_sources(sources(path), with); }).starts_with(path + ":2: "));
}

TEST(Dataset, ThreadsDoNotChangeTheResult) {
  const TemporaryDirectory directory;
  std::string text;
  for (int i = 0; i < 20000; ++i) text += chat_line("question " + std::to_string(i * i), "answer " + std::to_string(i));
  const std::string path = directory.write("train.jsonl", text);
  PrepareOptions with = options();
  with.threads = 1;
  const std::string expected = bytes_of(*prepare_sources(sources(path), with)[0].store);
  with.threads = 5;
  EXPECT_EQ(bytes_of(*prepare_sources(sources(path), with)[0].store), expected);
}

TEST(Dataset, LargeSourcesAreCachedUntilSomethingThatMattersChanges) {
  const TemporaryDirectory directory;
  const std::string path = directory.write("train.jsonl", chat_line("q", "a") + chat_line("r", "b"));
  PrepareOptions with = options();
  with.cache_directory = directory.path() / "cache";
  with.memory_bytes = 10;
  const auto prepare = [&](bool expect_cached) {
    PrepareReport report;
    auto stores = prepare_sources(sources(path), with, &report);
    EXPECT_EQ(report.sources[0].from_cache, expect_cached);
    return stores[0].store;
  };
  const auto files = [&] { return std::distance(std::filesystem::directory_iterator(with.cache_directory), {}); };
  const std::string first = bytes_of(*prepare(false));
  EXPECT_EQ(files(), 1) << "parts are removed";
  const auto again = prepare(true);
  EXPECT_EQ(bytes_of(*again), first);
  EXPECT_EQ(again->meta().counters.records, 2);

  with.data.train_on = configs::TrainOn::all;
  prepare(false);
  with.data.train_on = configs::TrainOn::assistant;
  with.data.chat_template = "phi-3-medium";
  prepare(false);
  with.data.chat_template = "phi-3-mini";
  prepare(true);
  directory.write("train.jsonl", chat_line("q", "a") + chat_line("r", "c"));
  prepare(false);

  // A damaged store is made again.
  directory.write("train.jsonl", chat_line("q", "a") + chat_line("r", "b"));
  for (const auto& file : std::filesystem::directory_iterator(with.cache_directory)) {
    std::string bytes = read_file(file.path());
    bytes[bytes.size() / 2] = static_cast<char>(bytes[bytes.size() / 2] ^ 1);
    write_file_atomic(file.path(), bytes);
  }
  EXPECT_EQ(bytes_of(*prepare(false)), first);
  prepare(true);
}

TEST(Dataset, MemoryAndCacheHoldTheSame) {
  const TemporaryDirectory directory;
  const std::string path =
      directory.write("train.jsonl", "{\"text\": \"" + std::string(200, 't') +
                                         "\"}\n{\"input_ids\": [1, 2, 3], \"labels\": [1, 5, 3]}\n{\"prompt\": \"p\", \"completion\": \"c\"}\n");
  PrepareOptions with = options();
  PrepareReport report;
  const std::string memory = bytes_of(*prepare_sources(sources(path), with, &report)[0].store);
  EXPECT_EQ(report.sources[0].kind, "mixed");
  with.data.cache = (directory.path() / "elsewhere").string();
  EXPECT_EQ(bytes_of(*prepare_sources(sources(path), with)[0].store), memory);
}

TEST(Dataset, EmptySourcesAndUnknownKindsAreErrors) {
  const TemporaryDirectory directory;
  EXPECT_NE(message_of<DataError>([&] { prepare_sources(sources((directory.path() / "none.jsonl").string()), options()); }).find("none.jsonl"),
            std::string::npos);
  const std::string path = directory.write("train.jsonl", "{\"messages\": [{\"role\": \"user\", \"content\": \"no answer\"}]}\n");
  EXPECT_NE(message_of<DataError>([&] { prepare_sources(sources(path), options()); }).find("no document to train on (1 records read, 1 without a target"),
            std::string::npos);
  EXPECT_THROW(prepare_sources(sources(path, "chats"), options()), ConfigError);
  EXPECT_NE(message_of<DataError>([&] { prepare_sources(sources(path, "text"), options()); }).find(":1: missing field 'text'"), std::string::npos);
  PrepareOptions automatic = options();
  automatic.data.chat_template = "auto";
  automatic.tokenizer_directory = directory.path();
  EXPECT_NE(message_of<DataError>([&] { prepare_sources(sources(path), automatic); }).find("no chat template"), std::string::npos);
  EXPECT_EQ(prepare_sources(sources(directory.write("text.jsonl", "{\"text\": \"abc\"}\n")), automatic)[0].store->documents(), 1) << "a text needs no template";
}

}  // namespace
}  // namespace phidias::data
