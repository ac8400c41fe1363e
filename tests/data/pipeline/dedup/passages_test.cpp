#include "data/pipeline/dedup/passages.h"

#include <gtest/gtest.h>

#include <random>
#include <string>

namespace phidias::data::pipeline {
namespace {

using Texts = std::vector<std::string>;

Texts texts_of(const std::vector<Passage>& passages) {
  Texts texts;
  for (const Passage& passage : passages) texts.emplace_back(passage.text);
  return texts;
}

TEST(Passages, LinesAndParagraphsAreFound) {
  std::vector<Passage> passages;
  split_lines("a\n b \n\nc", passages);
  EXPECT_EQ(texts_of(passages), (Texts{"a", "b", "", "c"}));
  split_paragraphs("\n \na\nb\n \n\nc\r\n\r\nd\n", passages);
  EXPECT_EQ(texts_of(passages), (Texts{"a\nb", "c", "d"}));
  EXPECT_EQ(passages[0].whole, "\n \na\nb\n \n\n");
  split_paragraphs("\n\n", passages);
  EXPECT_EQ(texts_of(passages), (Texts{""}));
  split_lines("", passages);
  EXPECT_TRUE(passages.empty());
}

TEST(Passages, JoinedTheyAreTheTextAgain) {
  std::mt19937 generator(1);
  for (int round = 0; round < 2000; ++round) {
    std::string text, lines, paragraphs;
    for (std::uint32_t i = generator() % 30; i > 0; --i) text += "ab \n\n\r\t"[generator() % 7];
    std::vector<Passage> passages;
    split_lines(text, passages);
    for (const Passage& passage : passages) lines += passage.whole;
    split_paragraphs(text, passages);
    for (const Passage& passage : passages) paragraphs += passage.whole;
    EXPECT_EQ(lines, text);
    EXPECT_EQ(paragraphs, text);
  }
}

}  // namespace
}  // namespace phidias::data::pipeline
