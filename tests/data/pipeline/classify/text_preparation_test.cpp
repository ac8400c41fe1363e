#include "data/pipeline/classify/text_preparation.h"

#include <gtest/gtest.h>

namespace phidias::data::pipeline {
namespace {

std::string prepared(std::string_view text, const TextPreparation& preparation) {
  std::string scratch;
  return std::string(prepare_text(text, preparation, scratch));
}

TEST(TextPreparation, LowersLettersOfEveryScript) { EXPECT_EQ(prepared("Energy = MC², ÉTÉ ΣΊΓΜΑ Вода", {.lower_case = true}), "energy = mc², été σίγμα вода"); }

TEST(TextPreparation, SetsPunctuationApart) {
  EXPECT_EQ(prepared("a,b (c)", {.split_punctuation = true}), "a , b  ( c ) ");
  EXPECT_EQ(prepared("数。理 5€ «é»", {.split_punctuation = true}), "数 。 理 5 €   « é » ");
}

TEST(TextPreparation, LeavesTextAloneUnlessAsked) {
  const std::string text = "As, It Is";
  std::string scratch;
  EXPECT_EQ(prepare_text(text, {}, scratch).data(), text.data());
}

TEST(TextPreparation, TakesOutTheWordAtWhichFastTextStopsReading) {
  EXPECT_EQ(prepared("good </s> bad</s>", {}), "good   bad ");
  EXPECT_EQ(prepared("</s>", {.lower_case = true}), " ");
}

}  // namespace
}  // namespace phidias::data::pipeline
