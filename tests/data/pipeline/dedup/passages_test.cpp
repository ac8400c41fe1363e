#include "data/pipeline/dedup/passages.h"

#include <gtest/gtest.h>

#include <random>
#include <string>

namespace phidias::data::pipeline {
namespace {

using Texts = std::vector<std::string>;

Texts texts_of(const std::vector<TextPiece>& passages) {
  Texts texts;
  for (const TextPiece& passage : passages) texts.emplace_back(passage.text);
  return texts;
}

TEST(Passages, LinesAndParagraphsAreFound) {
  std::vector<TextPiece> passages;
  line_pieces("a\n b \n\nc", passages);
  EXPECT_EQ(texts_of(passages), (Texts{"a", "b", "", "c"}));
  paragraph_pieces("\n \na\nb\n \n\nc\r\n\r\nd\n", passages);
  EXPECT_EQ(texts_of(passages), (Texts{"a\nb", "c", "d"}));
  EXPECT_EQ(passages[0].whole, "\n \na\nb\n \n\n");
  paragraph_pieces("\n\n", passages);
  EXPECT_EQ(texts_of(passages), (Texts{""}));
  line_pieces("", passages);
  EXPECT_TRUE(passages.empty());
}

TEST(Passages, JoinedTheyAreTheTextAgain) {
  std::mt19937 generator(1);
  for (int round = 0; round < 2000; ++round) {
    std::string text, lines, paragraphs;
    for (std::uint32_t i = generator() % 30; i > 0; --i) text += "ab \n\n\r\t"[generator() % 7];
    std::vector<TextPiece> passages;
    line_pieces(text, passages);
    for (const TextPiece& passage : passages) lines += passage.whole;
    paragraph_pieces(text, passages);
    for (const TextPiece& passage : passages) paragraphs += passage.whole;
    EXPECT_EQ(lines, text);
    EXPECT_EQ(paragraphs, text);
  }
}

}  // namespace
}  // namespace phidias::data::pipeline
