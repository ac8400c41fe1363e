// Every case of tests/golden/tokenizers/cases (make_tokenizer_goldens.py): ids, offsets and decoded text as transformers 4.57.3 has them.
// Cases on third-party vocabularies skip where scripts/fetch_vocabularies.sh has not run.
#include <gtest/gtest.h>

#include <thread>

#include "base/json.h"
#include "data/tokenizers/tokenizer.h"
#include "tests/data/temporary_directory.h"

namespace phidias::data {
namespace {

namespace fs = std::filesystem;
const fs::path kGolden = fs::path(PHIDIAS_SOURCE_DIR) / "tests/golden/tokenizers";
const fs::path kVocabularies = fs::path(PHIDIAS_SOURCE_DIR) / ".cache/vocabularies";

std::vector<std::string> case_names() {
  std::vector<std::string> names;
  for (const auto& entry : fs::directory_iterator(kGolden / "cases")) names.push_back(entry.path().stem().string());
  std::sort(names.begin(), names.end());
  return names;
}

// Byte ranges in code points, as the reference reports them: the index of the character at each end.
std::vector<std::int64_t> in_code_points(const std::string& text, const std::vector<ByteRange>& ranges) {
  std::vector<std::int64_t> index;
  std::int64_t count = -1;
  for (const char byte : text) index.push_back((byte & 0xC0) == 0x80 ? count : ++count);
  index.push_back(count + 1);
  std::vector<std::int64_t> flat;
  for (const ByteRange& range : ranges) flat.insert(flat.end(), {index.at(range.begin), index.at(range.end)});
  return flat;
}

class Golden : public testing::TestWithParam<std::string> {
 protected:
  // False after skipping the test: the case's vocabulary is not here.
  bool load() {
    golden_ = read_json(kGolden / "cases" / (GetParam() + ".json"));
    if (golden_.contains("directory")) {
      const fs::path directory = kVocabularies / golden_["directory"].get<std::string>();
      if (!fs::exists(directory)) return false;
      tokenizer_ = Tokenizer::load(directory);
      return true;
    }
    Json file = read_json(kGolden / "models" / golden_["model"].get<std::string>() / "tokenizer.json");
    if (golden_.contains("patch")) file.merge_patch(golden_["patch"]);
    const TemporaryDirectory directory;
    directory.write("tokenizer.json", file.dump());
    const Json files = golden_.value("files", Json::object());
    for (const auto& [name, content] : files.items()) directory.write(name, content.dump());
    tokenizer_ = Tokenizer::load(directory.path());
    return true;
  }

  Json golden_;
  std::unique_ptr<Tokenizer> tokenizer_;
};

#define LOAD_OR_SKIP() \
  if (!load()) GTEST_SKIP() << "the vocabulary is not here: run scripts/fetch_vocabularies.sh"

TEST_P(Golden, EncodesAsTheReference) {
  LOAD_OR_SKIP();
  ASSERT_FALSE(golden_["texts"].empty());
  for (const Json& entry : golden_["texts"]) {
    const auto text = entry[0].get<std::string>();
    std::vector<std::int32_t> ids;
    std::vector<ByteRange> offsets;
    tokenizer_->encode(text, {}, ids, &offsets);
    EXPECT_EQ(ids, entry[1].get<std::vector<std::int32_t>>()) << "text " << entry[0];
    EXPECT_EQ(ids, tokenizer_->encode(text)) << "without offsets: text " << entry[0];
    if (entry.size() > 2) {
      EXPECT_EQ(in_code_points(text, offsets), entry[2].get<std::vector<std::int64_t>>()) << "text " << entry[0];
    }
  }
}

TEST_P(Golden, DecodesAsTheReference) {
  LOAD_OR_SKIP();
  for (const Json& entry : golden_["texts"]) {
    if (entry.size() < 5) continue;
    const auto ids = entry[1].get<std::vector<std::int32_t>>();
    const auto decoded = (entry[3].is_null() ? entry[0] : entry[3]).get<std::string>();
    EXPECT_EQ(tokenizer_->decode(ids, false), decoded) << "ids " << entry[1];
    EXPECT_EQ(tokenizer_->decode(ids, true), entry[4].is_null() ? decoded : entry[4].get<std::string>()) << "ids " << entry[1];
  }
  for (const Json& entry : golden_["ids"]) {
    const auto ids = entry[0].get<std::vector<std::int32_t>>();
    EXPECT_EQ(tokenizer_->decode(ids, false), entry[1].get<std::string>()) << "ids " << entry[0];
    EXPECT_EQ(tokenizer_->decode(ids, true), (entry[2].is_null() ? entry[1] : entry[2]).get<std::string>()) << "ids " << entry[0];
  }
}

TEST_P(Golden, SpecialTokensAsTextEqualSplitSpecialTokens) {
  LOAD_OR_SKIP();
  for (const Json& entry : golden_["plain"]) {
    EXPECT_EQ(tokenizer_->encode(entry[0].get<std::string>(), SpecialTokens::text), entry[1].get<std::vector<std::int32_t>>()) << "text " << entry[0];
  }
}

TEST_P(Golden, SeveralThreadsShareOneTokenizer) {
  LOAD_OR_SKIP();
  std::atomic<int> wrong = 0;
  std::vector<std::jthread> threads;
  for (int thread = 0; thread < 3; ++thread) {
    threads.emplace_back([&] {
      for (const Json& entry : golden_["texts"]) wrong += tokenizer_->encode(entry[0].get<std::string>()) != entry[1].get<std::vector<std::int32_t>>();
    });
  }
  threads.clear();
  EXPECT_EQ(wrong, 0);
}

std::string test_name(const testing::TestParamInfo<std::string>& info) {
  std::string name = info.param;
  std::replace(name.begin(), name.end(), '-', '_');
  return name;
}
INSTANTIATE_TEST_SUITE_P(Cases, Golden, testing::ValuesIn(case_names()), test_name);

}  // namespace
}  // namespace phidias::data
