#include "data/pipeline/knowledge/word_list_stage.h"

#include <gtest/gtest.h>

#include <string>

#include "base/error.h"
#include "base/philox.h"
#include "tests/data/temporary_directory.h"

namespace phidias::data::pipeline {
namespace {

WordMatches match(const std::vector<std::string>& entries, std::string_view text, bool fold_case = true, bool boundaries = true) {
  WordMatcher::Scratch scratch;
  return WordMatcher(entries, fold_case, boundaries).match(text, scratch);
}

TEST(WordMatcher, FindsWholeWordsAndPhrases) {
  EXPECT_EQ(match({"cat", "hot dog"}, "A Cat, a category and a HOT\n  dog.").matches, 2);
  EXPECT_EQ(match({"cat", "hot dog"}, "A Cat, a category and a HOT\n  dog.").matched_words, 3);
  EXPECT_EQ(match({"cat"}, "concat cats cat2 cat_ cat").matches, 2) << "an underscore is no letter";
  EXPECT_EQ(match({"cat"}, "concat cats", true, false).matches, 2);
  EXPECT_EQ(match({"cat"}, "Cat", false).matches, 0);
  EXPECT_EQ(match({"straße", "ÄRGER"}, "Straße ärger").matches, 2);
  EXPECT_EQ(match({"坏话"}, "这是坏话吗").matches, 0);
  EXPECT_EQ(match({"坏话"}, "这是坏话吗", true, false).matches, 1);
  EXPECT_EQ(match({"a", ""}, "").words, 0);
}

TEST(WordMatcher, LeftmostLongestCounts) {
  EXPECT_EQ(match({"new", "new york", "york city", "city"}, "new york city").matches, 2) << "new york, city";
  EXPECT_EQ(match({"new", "new york", "york city"}, "new york city").matched_words, 2);
  EXPECT_EQ(match({"ab", "bc", "abcd"}, "abc", true, false).matches, 1);
  EXPECT_EQ(match({"she", "he", "hers"}, "ushers", true, false).matches, 1) << "she takes the place of hers";
}

// Against searching for every entry at every place.
TEST(WordMatcher, EqualsBruteForce) {
  for (std::uint64_t round = 0; round < 2000; ++round) {
    const PhiloxKey key = philox_key(11, RandomSite::shuffle, round);
    std::uint64_t index = 0;
    const auto draw = [&](std::uint64_t n) { return philox_uint64(key, index++) % n; };
    const auto word = [&](std::size_t size) {
      std::string text;
      for (std::size_t i = 0; i < size; ++i) text += "ab c"[draw(4)];
      return text;
    };
    std::vector<std::string> entries;
    for (int i = 0; i < 6; ++i) {
      std::string entry = "a" + word(draw(4)) + "b";
      while (entry.find("  ") != std::string::npos) entry.replace(entry.find("  "), 2, " ");
      entries.push_back(entry);
    }
    std::string text = "x" + word(40) + "x";
    while (text.find("  ") != std::string::npos) text.replace(text.find("  "), 2, " ");
    std::int64_t expected = 0;
    for (std::size_t i = 0; i < text.size();) {
      std::size_t longest = 0;
      for (const std::string& entry : entries)
        if (text.compare(i, entry.size(), entry) == 0) longest = std::max(longest, entry.size());
      expected += longest > 0;
      i += std::max<std::size_t>(longest, 1);
    }
    ASSERT_EQ(match(entries, text, true, false).matches, expected) << text;
  }
}

Document process(WordListStage::Config config, const std::string& list, const std::string& text) {
  const TemporaryDirectory directory;
  config.path = directory.write("list.txt", list);
  const WordListStage stage(config, {.name = "words"});
  Document document;
  document.set_text(text);
  Document* documents[] = {&document};
  stage.worker()->process(documents);
  return document;
}

TEST(WordListStage, CountsAndDropsAboveTheBounds) {
  const std::string list = "# comment\r\nfoo\r\n\r\nbar baz\n", text = "foo and bar baz and foo";
  const Document counted = process({}, list, text);
  EXPECT_EQ(counted.annotations().number("words.count"), 3);
  EXPECT_DOUBLE_EQ(*counted.annotations().number("words.share"), 4.0 / 6);
  EXPECT_EQ(counted.reason(), "");
  EXPECT_EQ(process({.maximum_count = 2}, list, text).reason(), "maximum_count");
  EXPECT_EQ(process({.maximum_count = 3}, list, text).reason(), "");
  EXPECT_EQ(process({.maximum_share = 0.5}, list, text).reason(), "maximum_share");
  EXPECT_EQ(process({.maximum_share = 0.7}, list, text).reason(), "");
}

TEST(WordListStage, RefusesListsThatAreEmptyOrNotText) {
  EXPECT_NE(message_of<DataError>([] { process({}, "\n# only this\n", "x"); }).find("is empty"), std::string::npos);
  EXPECT_NE(message_of<DataError>([] { process({}, "a\n\xff\n", "x"); }).find("list.txt:2: invalid UTF-8"), std::string::npos);
}

}  // namespace
}  // namespace phidias::data::pipeline
