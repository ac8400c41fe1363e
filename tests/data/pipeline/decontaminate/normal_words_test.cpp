#include "data/pipeline/decontaminate/normal_words.h"

#include <gtest/gtest.h>

#include "data/pipeline/decontaminate/simplified_text.h"
#include "tests/data/pipeline/decontaminate/golden_cases.h"

namespace phidias::data::pipeline {
namespace {

const WordSplitter& whitespace() { return WordSplitter::of(SplitterKind::whitespace); }

std::vector<std::string> words_of(const std::string& text, WordForm form) {
  NormalWords words;
  normalise(text, form, whitespace(), words);
  std::vector<std::string> list;
  for (std::size_t i = 0; i < words.size(); ++i) list.emplace_back(words.span(i, 1));
  return list;
}

TEST(NormalWords, TokensAreThoseOfPython) {
  for (const Json& example : golden_cases()["tokens"]) EXPECT_EQ(words_of(example["text"], WordForm::token), example["words"]) << example["text"];
}

TEST(NormalWords, PlainWordsAreThoseOfPython) {
  for (const Json& example : golden_cases()["plain"]) EXPECT_EQ(words_of(example["text"], WordForm::plain), example["words"]) << example["text"];
}

TEST(NormalWords, SimplifiedTextIsDatatroves) {
  for (const Json& example : golden_cases()["simplify"]) EXPECT_EQ(simplified_text(example["text"].get<std::string>()), example["simple"]) << example["text"];
}

TEST(NormalWords, KnowWhereTheyStand) {
  const std::string text = "  (Élan) — naïve-co\u0301té,  3.14 !!";
  NormalWords words;
  normalise(text, WordForm::token, whitespace(), words);
  std::vector<std::string> origins;
  for (const TextRange& span : words.origin) origins.push_back(text.substr(span.begin, span.end - span.begin));
  EXPECT_EQ(origins, (std::vector<std::string>{"Élan", "naïve", "co\u0301té", "3", "14"}));
  EXPECT_EQ(words.text, "elan naive cote 3 14");
}

TEST(NormalWords, OfPunctuationAloneAreNone) {
  EXPECT_EQ(words_of("a -- b . c", WordForm::ascii), (std::vector<std::string>{"a", "b", "c"}));
  EXPECT_EQ(words_of("Don't STOP, Élan", WordForm::ascii), (std::vector<std::string>{"dont", "stop", "Élan"}));
  EXPECT_EQ(words_of("Don't STOP, Élan", WordForm::plain), (std::vector<std::string>{"dont", "stop", "élan"}));
  EXPECT_TRUE(words_of(" ... ", WordForm::plain).empty());
}

TEST(NormalWords, SpansAreJoinedByOneSpace) {
  NormalWords words;
  normalise("One,\n\n two\tthree  FOUR", WordForm::plain, whitespace(), words);
  EXPECT_EQ(words.span(1, 3), "two three four");
  EXPECT_EQ(words.span(0, 1), "one");
  normalise("", WordForm::plain, whitespace(), words);
  EXPECT_EQ(words.size(), 0U);
}

}  // namespace
}  // namespace phidias::data::pipeline
