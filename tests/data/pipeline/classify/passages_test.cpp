#include "data/pipeline/classify/passages.h"

#include <gtest/gtest.h>

#include <random>
#include <string>

namespace phidias::data::pipeline {
namespace {

std::vector<std::size_t> sizes(const std::string& text, std::size_t words) {
  std::vector<Passage> passages;
  split_passages(text, words, passages);
  std::vector<std::size_t> counts;
  for (const Passage& passage : passages) counts.push_back(passage.words);
  return counts;
}

TEST(Passages, EndWithTheLineThatFillsThem) {
  std::vector<Passage> passages;
  split_passages("a b c\nd e\nf g h i\nj k l m\n", 4, passages);
  ASSERT_EQ(passages.size(), 3u);
  EXPECT_EQ(passages[0].text, "a b c\nd e\n");
  EXPECT_EQ(passages[1].text, "f g h i\n");
  EXPECT_EQ(passages[2].text, "j k l m\n");
}

TEST(Passages, CutLongLinesBetweenWords) {
  std::vector<Passage> passages;
  split_passages("one two three four five six seven eight nine ten", 4, passages);
  ASSERT_EQ(passages.size(), 2u);
  EXPECT_EQ(passages[0].text, "one two three four");
  EXPECT_EQ(passages[1].text, " five six seven eight nine ten");  // not more than twice four: whole
}

TEST(Passages, JoinAShortRestToTheOneBefore) {
  EXPECT_EQ(sizes("a b c d\ne f g h\ni\n", 8), (std::vector<std::size_t>{9}));
  EXPECT_EQ(sizes("a b c d\ne f g h\ni j\n", 8), (std::vector<std::size_t>{8, 2}));
  EXPECT_EQ(sizes("a\n", 8), (std::vector<std::size_t>{1}));
  EXPECT_TRUE(sizes("\n \n", 8).empty());
  EXPECT_TRUE(sizes("", 8).empty());
}

TEST(Passages, JoinedAreTheText) {
  std::mt19937 random(5);
  for (int round = 0; round < 500; ++round) {
    std::string text;
    for (unsigned i = 0; i < random() % 200; ++i)
      text += "ab \n\n\xC3\xA9"[random() % 5] == '\xC3' ? std::string("\xC3\xA9") : std::string(1, "ab \n "[random() % 5]);
    std::vector<Passage> passages;
    split_passages(text, 1 + random() % 9, passages);
    std::string joined;
    std::size_t words = 0;
    for (const Passage& passage : passages) joined += passage.text, words += passage.words;
    const bool has_word = text.find_first_not_of(" \n") != std::string::npos;
    EXPECT_EQ(joined, has_word ? text : "");
    std::vector<Passage> lines;
    split_lines(text, lines);
    std::size_t in_lines = 0;
    for (const Passage& line : lines) in_lines += line.words;
    EXPECT_EQ(words, in_lines);
  }
}

}  // namespace
}  // namespace phidias::data::pipeline
