// Special tokens in text: parsed, left as text or refused, also inside the content of a chat; and the search for added tokens.
#include <gtest/gtest.h>

#include "base/error.h"
#include "data/tokenizers/added_vocabulary.h"
#include "data/tokenizers/tokenizer.h"
#include "tests/data/temporary_directory.h"
#include "tests/data/tokenizers/byte_level_json.h"

namespace phidias::data {
namespace {

using Ids = std::vector<std::int32_t>;

class AddedTokens : public testing::Test {
 protected:
  AddedTokens() {
    Json json = byte_level_json();
    json["added_tokens"] = {added_token_json(259, "<|end|>"), added_token_json(260, "</s>", false), added_token_json(261, "<|end|>!", false)};
    const TemporaryDirectory directory;
    directory.write("tokenizer.json", json.dump());
    tokenizer_ = Tokenizer::load(directory.path());
  }
  Ids encode(const std::string& text, const EncodeOptions& options, std::int64_t* forged = nullptr) const {
    Ids ids;
    tokenizer_->encode(text, options, ids, nullptr, forged);
    return ids;
  }
  std::unique_ptr<Tokenizer> tokenizer_;
};

TEST_F(AddedTokens, TheLongestOfTheLeftmostWins) {
  EXPECT_EQ(tokenizer_->encode("<|end|>!"), (Ids{261}));
  EXPECT_EQ(tokenizer_->encode("<|end|><|end|>?"), (Ids{259, 259, '?'}));
}

TEST_F(AddedTokens, SpecialOnesCanBeTextAndOthersAreParsedStill) {
  EXPECT_EQ(tokenizer_->encode("<|end|></s>", SpecialTokens::text), (Ids{'<', '|', 'e', 'n', 'd', '|', '>', 260}));
  EXPECT_THROW(tokenizer_->encode("ab<|end|>", SpecialTokens::error), DataError);
  EXPECT_EQ(tokenizer_->encode("</s>", SpecialTokens::error), (Ids{260}));
  const std::string message = message_of<DataError>([&] { tokenizer_->encode("ab<|end|>", SpecialTokens::error); });
  EXPECT_NE(message.find("<|end|>"), std::string::npos) << message;
  EXPECT_NE(message.find("byte 2"), std::string::npos) << message;
}

TEST_F(AddedTokens, OnlyThoseInsideContentAreForged) {
  const std::string text = "a<|end|>b<|end|>";
  const std::vector<ByteRange> content{{0, 9}};  // "a<|end|>b"
  std::int64_t forged = 0;
  EXPECT_EQ(encode(text, {.content = content, .inside = SpecialTokens::text}, &forged), (Ids{'a', '<', '|', 'e', 'n', 'd', '|', '>', 'b', 259}));
  EXPECT_EQ(forged, 1);
  EXPECT_EQ(encode(text, {.content = content, .inside = SpecialTokens::parse}, &forged), (Ids{'a', 259, 'b', 259}));
  EXPECT_EQ(forged, 2) << "counted also where it is parsed";
  EXPECT_THROW(encode(text, {.content = content, .inside = SpecialTokens::error}), DataError);
  EXPECT_EQ(encode("a<|end|>", {.content = std::span(content).first(0), .inside = SpecialTokens::error}), (Ids{'a', 259}));
}

TEST_F(AddedTokens, AMatchThatTouchesContentIsInside) {
  const std::vector<ByteRange> straddled{{0, 3}}, adjacent{{0, 1}, {8, 9}};  // content "a<|" continued by the template's "end|>"
  EXPECT_EQ(encode("a<|end|>b", {.content = straddled, .inside = SpecialTokens::text}).size(), 9U);
  EXPECT_EQ(encode("a<|end|>b", {.content = adjacent, .inside = SpecialTokens::text}), (Ids{'a', 259, 'b'})) << "beside is not inside";
}

TEST_F(AddedTokens, TextThatIsNotUtf8IsRefusedWithItsPosition) {
  const std::string message = message_of<DataError>([&] { tokenizer_->encode("ab\xC3("); });
  EXPECT_NE(message.find("byte 2"), std::string::npos) << message;
}

TEST(StringMatcher, FindsWhatANaiveSearchFinds) {
  const std::vector<std::string> words{"ab", "abc", "bca", "c", "caab", "bb"};
  StringMatcher matcher;
  for (std::size_t i = 0; i < words.size(); ++i) matcher.add(words[i], static_cast<std::int32_t>(i));
  std::uint32_t state = 5;
  for (int round = 0; round < 3000; ++round) {
    std::string text;
    for (int i = 0; i < 12; ++i) text += "abcx"[(state = state * 1664525 + 1013904223) >> 30];
    std::size_t at = 0;
    for (auto match = matcher.find(text, 0); match.value >= 0; match = matcher.find(text, match.end)) {
      std::size_t begin = at;
      std::int32_t best = -1;
      for (; best < 0; ++begin) {
        for (std::size_t i = 0; i < words.size(); ++i) {
          if (text.compare(begin, words[i].size(), words[i]) == 0 && (best < 0 || words[i].size() > words[best].size())) best = static_cast<std::int32_t>(i);
        }
      }
      ASSERT_EQ(match.begin, begin - 1) << text;
      ASSERT_EQ(match.value, best) << text;
      at = match.end;
    }
    for (std::size_t i = 0; i < words.size(); ++i) ASSERT_EQ(text.find(words[i], at), std::string::npos) << text;
  }
}

}  // namespace
}  // namespace phidias::data
