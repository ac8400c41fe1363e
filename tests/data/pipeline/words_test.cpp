#include "data/pipeline/words.h"

#include <gtest/gtest.h>

#include <random>
#include <string>

#include "data/pipeline/characters.h"
#include "data/pipeline/icu_words.h"
#include "data/tokenizers/utf8.h"

namespace phidias::data::pipeline {
namespace {

std::vector<std::string> split(SplitterKind kind, std::string_view text) {
  Words words;
  WordSplitter::of(kind).split(text, words);
  return {words.begin(), words.end()};
}

using Texts = std::vector<std::string>;

TEST(Words, WhitespaceCutsAtAllUnicodeSpaces) {
  EXPECT_EQ(split(SplitterKind::whitespace,
                  " a\u00a0b\u3000c\u2028d\x1c"
                  "e\u200bf\n"),
            (Texts{"a", "b", "c", "d", "e\u200bf"}));
  EXPECT_EQ(split(SplitterKind::whitespace, ""), Texts{});
}

TEST(Words, RegexSeparatesRunsOfPunctuation) {
  EXPECT_EQ(split(SplitterKind::regex, "don't... x_1 = \u00bd\u2014\u00e9"), (Texts{"don", "'", "t", "...", "x_1", "=", "\u00bd", "\u2014", "\u00e9"}));
}

TEST(Words, IcuKeepsApostrophesAndNumbersTogether) {
  EXPECT_EQ(split(SplitterKind::icu, "don't pay 3,141.5 a.m., x_1: ok?"), (Texts{"don't", "pay", "3,141.5", "a.m", ".", ",", "x_1", ":", "ok", "?"}));
  EXPECT_EQ(split(SplitterKind::icu, "it\u2019s  \u0308x"), (Texts{"it\u2019s", "  \u0308", "x"}));
}

// Characters of every class that the rules know, weighted towards those that join.
std::string random_text(std::mt19937& random, bool only_ascii) {
  static const std::vector<std::u32string> groups = {U"abcXYZ",
                                                     U"0189",
                                                     U" ",
                                                     U" \t\n\r\v\f\x1c\x1f",
                                                     U"'\".,;:_-!?#/@",
                                                     U"\u00e9\u00dfµª\u0416\u03b1\u0627\u0915",
                                                     U"\u05d0\u05d1",
                                                     U"\u0300\u0308\u200d\u00ad\u200e\u0600\ufeff",
                                                     U"\u2019\u2018\u00b7\u2027\u05f4\u037e\u0589\u060c\u066b\ufe55\uff1a\uff07\u2024",
                                                     U"\u0661\u0967\uff10\uff19",
                                                     U"\u203f\u2040\uff3f\u202f",
                                                     U"\U0001F1E6\U0001F1FF",
                                                     U"\U0001F600\U0001F468\u2764\u00a9\U0001F3FB",
                                                     U"\u00a0\u2003\u3000\u2028\u0085\u1680\u200b",
                                                     U"\u4e2d\u6587\u3042\u30ab\u30fc\uac00\uff76\u3031",
                                                     U"\u0e44\u0e17\u0e22\u1780\u1000\u0e81",
                                                     U"\ufffd\ue000\U000E0041\U0010FFFF\u0378"};
  std::string text;
  const int length = static_cast<int>(random() % 40);
  for (int i = 0; i < length; ++i) {
    const auto& group = groups[random() % (only_ascii ? 5 : random() % 2 ? 13 : groups.size())];
    append_utf8(text, group[random() % group.size()]);
  }
  return text;
}

TEST(Words, IcuPathEqualsTheBreakIteratorOnRandomText) {
  std::mt19937 random(7);
  Words ours, theirs;
  for (int i = 0; i < 100000; ++i) {
    const std::string text = random_text(random, i % 3 == 0);
    split_icu_words(text, ours);
    theirs.clear();
    append_words_of_break_iterator(text, theirs);
    ASSERT_EQ(Texts(ours.begin(), ours.end()), Texts(theirs.begin(), theirs.end())) << testing::PrintToString(text);
  }
}

// Character by character, as str.split() is defined.
Texts whitespace_by_definition(std::string_view text) {
  Texts words;
  bool open = false;
  for (std::size_t at = 0; at < text.size();) {
    const auto length = static_cast<std::size_t>(utf8_length(text[at]));
    const bool space = Characters::get().is(decode_utf8(text.data() + at), Characters::space);
    if (!space && !open) words.emplace_back();
    if (!space) words.back() += text.substr(at, length);
    open = !space;
    at += length;
  }
  return words;
}

TEST(Words, WhitespaceEqualsItsDefinitionAcrossBlocks) {
  std::mt19937 random(11);
  for (int i = 0; i < 4000; ++i) {
    std::string text;
    for (unsigned part = 0; part < random() % 16; ++part) text += random_text(random, random() % 2 == 0);
    ASSERT_EQ(split(SplitterKind::whitespace, text), whitespace_by_definition(text)) << testing::PrintToString(text);
  }
}

TEST(Words, IcuPathEqualsTheBreakIteratorAroundEveryCharacter) {
  Words ours, theirs;
  for (std::uint32_t c = 1; c < 0x110000; c += c < 0x32000 || (c >= 0xe0000 && c < 0xe0200) ? 1 : 0x101) {
    if (c >= 0xd800 && c < 0xe000) continue;
    std::string one, text = "a";
    append_utf8(one, c);
    text += one + "b 1" + one + "2 " + one + one + " \u05d0" + one + "\u05d1_" + one;
    split_icu_words(text, ours);
    theirs.clear();
    append_words_of_break_iterator(text, theirs);
    ASSERT_EQ(Texts(ours.begin(), ours.end()), Texts(theirs.begin(), theirs.end())) << std::hex << c;
  }
}

TEST(Characters, CountAndStripAsPython) {
  EXPECT_EQ(count_characters("a\u00e9\u4e2d\U0001F600 and some more of it \u2026"), 26u);
  EXPECT_EQ(strip("\u3000\x1f x y\u00a0\n"), "x y");
  EXPECT_TRUE(is_ascii("plain ascii, longer than eight"));
  EXPECT_FALSE(is_ascii("plain ascii, longer than eigh\u00e9"));
}

}  // namespace
}  // namespace phidias::data::pipeline
