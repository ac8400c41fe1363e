#include "data/mixture/tokenise_corpus.h"

#include <gtest/gtest.h>

#include "base/atomic_file.h"
#include "base/error.h"
#include "data/mixture/token_directory.h"
#include "tests/data/byte_tokenizer.h"
#include "tests/data/temporary_directory.h"
#include "tests/support/mutations.h"

namespace phidias::data::mixture {
namespace {
namespace fs = std::filesystem;

const ByteTokenizer kTokenizer;

std::string line(int number, const std::string& text) {
  return R"({"id": "web/)" + std::to_string(number) + R"(", "text": ")" + text + R"(", "source": "web", "kept": true, "annotations": {"score": )" +
         std::to_string(number) + R"(.5, "language": "en"}})" + "\n";
}

TokeniseOptions options(const TemporaryDirectory& directory, const std::vector<std::string>& inputs) {
  return {.inputs = inputs, .output = directory.path() / "tokens", .tokenizer = &kTokenizer, .columns = {"score"}, .threads = 2};
}

std::vector<std::int32_t> ids_of(const TokenShard& shard, std::int64_t document) {
  const auto ids = shard.store->document(document).ids;
  return {ids.begin(), ids.end()};
}

// Every file of a folder with its bytes.
std::map<std::string, std::string> contents(const fs::path& folder) {
  std::map<std::string, std::string> files;
  for (const auto& entry : fs::directory_iterator(folder)) files[entry.path().filename().string()] = read_file(entry.path());
  return files;
}

TEST(TokeniseCorpus, EachShardBecomesAStoreWithItsColumns) {
  const TemporaryDirectory directory;
  fs::create_directories(directory.path() / "kept/deep");
  directory.write("kept/deep/a.jsonl", line(1, "ab") + R"({"id": "x", "kept": false, "reason": "r"})" + "\n" + line(2, "c"));
  directory.write("kept/b.jsonl", R"({"text": "plain"})"
                                  "\n");
  directory.write("kept/notes.txt", "not a shard");
  const TokeniseReport report = tokenise_corpus(options(directory, {(directory.path() / "kept").string()}));
  EXPECT_EQ(report.shards, 2);
  EXPECT_EQ(report.lines, 4);
  EXPECT_EQ(report.not_kept, 1);
  EXPECT_EQ(report.documents, 3);
  EXPECT_EQ(report.tokens, 3 + 2 + 6);
  const TokenDirectory tokens = open_token_directory(directory.path() / "tokens");
  EXPECT_EQ(tokens.tokenizer, kTokenizer.content_hash().hex());
  EXPECT_EQ(tokens.largest_id, ByteTokenizer::kEos);
  EXPECT_EQ(tokens.columns, (std::vector<std::string>{"score", "source", "language"}));
  ASSERT_EQ(tokens.shards.size(), 2U);
  EXPECT_EQ(ids_of(tokens.shards[0], 0), (std::vector<std::int32_t>{'p', 'l', 'a', 'i', 'n', ByteTokenizer::kEos})) << "shards in the order of their paths";
  EXPECT_EQ(ids_of(tokens.shards[1], 0), (std::vector<std::int32_t>{'a', 'b', ByteTokenizer::kEos}));
  EXPECT_EQ(tokens.shards[1].columns.find("score")->numbers, (std::vector<float>{1.5F, 2.5F}));
  EXPECT_EQ(tokens.shards[1].columns.ids()[1], hash_string("web/2").low);
  EXPECT_EQ(tokens.shards[1].store->describe(1), (directory.path() / "kept/deep/a.jsonl").string() + ":3");
}

TEST(TokeniseCorpus, PiecesOfALongTextRepeatItsRow) {
  const TemporaryDirectory directory;
  TokeniseOptions with = options(directory, {directory.write("a.jsonl", line(1, "abcdefg") + line(2, "xy"))});
  with.max_length = 3;
  tokenise_corpus(with);
  const TokenDirectory tokens = open_token_directory(directory.path() / "tokens");
  const TokenShard& shard = tokens.shards.at(0);
  EXPECT_EQ(ids_of(shard, 0), (std::vector<std::int32_t>{'a', 'b', 'c'}));
  EXPECT_EQ(ids_of(shard, 2), (std::vector<std::int32_t>{'g', ByteTokenizer::kEos}));
  EXPECT_EQ(shard.columns.find("score")->numbers, (std::vector<float>{1.5F, 1.5F, 1.5F, 2.5F}));
}

TEST(TokeniseCorpus, ThreadsDoNotChangeABit) {
  const TemporaryDirectory directory;
  std::string text;
  for (int i = 0; i < 60'000; ++i) text += line(i, std::string(static_cast<std::size_t>(i % 90), 'a'));  // 9 MB: three blocks
  const std::string input = directory.write("a.jsonl", text);
  TokeniseOptions one = options(directory, {input});
  one.threads = 1;
  tokenise_corpus(one);
  const auto expected = contents(one.output);
  fs::remove_all(one.output);
  one.threads = 3;
  tokenise_corpus(one);
  EXPECT_EQ(contents(one.output) == expected, true);
}

TEST(TokeniseCorpus, ARestartPassesOverFinishedShards) {
  const TemporaryDirectory directory;
  const std::string a = directory.write("a.jsonl", line(1, "ab")), b = directory.write("b.jsonl", line(2, "cd"));
  tokenise_corpus(options(directory, {a, b}));
  const auto expected = contents(directory.path() / "tokens");
  EXPECT_EQ(expected.size(), 5U);
  // What a kill between the two files of a shard leaves behind, then one within the tokens.
  fs::remove(directory.path() / "tokens/00001-b.columns");
  fs::remove(directory.path() / "tokens/manifest.json");
  TokeniseReport again = tokenise_corpus(options(directory, {a, b}));
  EXPECT_EQ(again.shards_found, 1);
  EXPECT_EQ(contents(directory.path() / "tokens") == expected, true);
  directory.write("tokens/00000-a.tokens", "half");
  again = tokenise_corpus(options(directory, {a, b}));
  EXPECT_EQ(again.shards_found, 1);
  EXPECT_EQ(contents(directory.path() / "tokens") == expected, true);
  // A changed input is done again, other settings are refused.
  directory.write("b.jsonl", line(2, "cdef"));
  EXPECT_EQ(tokenise_corpus(options(directory, {a, b})).shards_found, 1);
  TokeniseOptions other = options(directory, {a, b});
  other.max_length = 2;
  EXPECT_NE(message_of<ConfigError>([&] { tokenise_corpus(other); }).find("made with another tokenizer, max_length or other columns"), std::string::npos);
}

TEST(TokeniseCorpus, BadLinesStopWithFileAndLine) {
  const TemporaryDirectory directory;
  const std::string bad = directory.write("bad.jsonl", line(1, "a") + "{\"text\": 3}\n");
  EXPECT_EQ(message_of<DataError>([&] { tokenise_corpus(options(directory, {bad})); }), bad + ":2: 'text' is not a text");
  EXPECT_FALSE(is_token_directory(directory.path() / "tokens"));
  EXPECT_THROW(tokenise_corpus(options(directory, {(directory.path() / "missing").string()})), DataError);
  EXPECT_THROW(tokenise_corpus(options(directory, {(directory.path() / "tokens").string()})), DataError) << "no shard in the folder";
}

TEST(TokenDirectory, FilesThatTheManifestDoesNotNameAreRefused) {
  const TemporaryDirectory directory;
  tokenise_corpus(options(directory, {directory.write("a.jsonl", line(1, "ab"))}));
  const fs::path tokens = directory.path() / "tokens";
  ColumnTable other({"score", "source", "language"});
  other.add(1, 1, {{}, {}, {}});
  other.write(tokens / "00000-a.columns", "key");
  EXPECT_NE(message_of<DataError>([&] { open_token_directory(tokens); }).find("not the file that"), std::string::npos);
  directory.write("tokens/manifest.json", R"({"format": "phidias tokens 1", "tokenizer": "t", "largest_id": 1, "columns": [], "shards": [{"name": "../x"}]})");
  EXPECT_NE(message_of<DataError>([&] { open_token_directory(tokens); }).find("outside of the folder"), std::string::npos);
  directory.write("tokens/manifest.json", "{}");
  EXPECT_THROW(open_token_directory(tokens), DataError);
  EXPECT_THROW(open_token_directory(directory.path()), DataError);
}

TEST(TokenDirectory, MutatedManifestsNeverCrash) {
  const TemporaryDirectory directory;
  tokenise_corpus(options(directory, {directory.write("a.jsonl", line(1, "ab"))}));
  const fs::path tokens = directory.path() / "tokens";
  const std::string good = read_file(tokens / "manifest.json");
  std::mt19937 random(5);
  for (int i = 0; i < 500; ++i) {
    directory.write("tokens/manifest.json", mutated(good, {}, random));
    try {
      open_token_directory(tokens);
    } catch (const DataError&) {
    }
  }
}

TEST(TokeniseCorpus, RefusesAColumnThatNoDocumentHas) {
  const TemporaryDirectory directory;
  TokeniseOptions with = options(directory, {directory.write("a.jsonl", line(1, "ab")), directory.write("b.jsonl", R"({"text": "plain"})"
                                                                                                                   "\n")});
  with.columns = {"score", "scroe"};
  for (int start = 0; start < 2; ++start) {  // the second finds the shards of the first
    const std::string message = message_of<ConfigError>([&] { tokenise_corpus(with); });
    EXPECT_NE(message.find("--columns scroe: no document has this annotation; did you mean score?"), std::string::npos) << message;
    EXPECT_NE(message.find("have: language, score\n"), std::string::npos) << message;
    EXPECT_FALSE(fs::exists(directory.path() / "tokens" / kTokenManifest));
  }
  with.columns = {"score"};
  with.output = directory.path() / "right";
  EXPECT_NO_THROW(tokenise_corpus(with)) << "some documents have it";
}

}  // namespace
}  // namespace phidias::data::mixture
