#include "data/pipeline/decontaminate/pieces.h"

#include <gtest/gtest.h>

#include "data/tokenizers/utf8.h"

namespace phidias::data::pipeline {
namespace {

std::string repeated(const std::string& unit, int count) {
  std::string text;
  for (int i = 0; i < count; ++i) text += unit;
  return text;
}

TextRange place(const std::string& text, const std::string& what) {
  const std::size_t at = text.find(what);
  return {static_cast<std::uint32_t>(at), static_cast<std::uint32_t>(at + what.size())};
}

TEST(Pieces, WindowIsMeasuredInCharactersAndCutsBetweenThem) {
  const std::string text = repeated("é", 500) + "MATCH" + repeated("日", 450);
  const std::vector<TextRange> match = {place(text, "MATCH")};
  const auto pieces = cut_out(text, match, CutRule::window, {});
  ASSERT_TRUE(pieces);
  EXPECT_EQ(joined_pieces(text, *pieces), repeated("é", 300) + "\n\n" + repeated("日", 250));
  for (const CutRule rule : {CutRule::window, CutRule::janitor, CutRule::sentence}) {
    const auto cut = cut_out(text, match, rule, {.window = 7, .minimum_piece = 1});
    ASSERT_TRUE(cut);
    EXPECT_EQ(find_invalid_utf8(joined_pieces(text, *cut)), std::string::npos);
  }
}

TEST(Pieces, ShortOnesGoAndTooManyDropTheDocument) {
  const std::string text = repeated("a", 250) + "X" + repeated("b", 10) + "X" + repeated("c", 250);
  const std::vector<TextRange> matches = {{250, 251}, {261, 262}};
  const CutLimits limits = {.window = 2, .minimum_piece = 200, .maximum_pieces = 3};
  EXPECT_EQ(joined_pieces(text, *cut_out(text, matches, CutRule::window, limits)), repeated("a", 248) + "\n\n" + repeated("c", 248));
  EXPECT_FALSE(cut_out(text, matches, CutRule::window, {.window = 2, .minimum_piece = 200, .maximum_pieces = 2}));
  // Matches that overlap with their windows are one cut.
  EXPECT_TRUE(cut_out(text, matches, CutRule::window, {.window = 10, .minimum_piece = 200, .maximum_pieces = 2}));
  EXPECT_FALSE(cut_out(text, matches, CutRule::janitor, {.window = 10, .minimum_piece = 200, .maximum_pieces = 1}));
}

TEST(Pieces, OfTheSentenceRuleEndWithSentences) {
  const std::string text = repeated("Keep this sentence here. ", 20) + "Cut one. X and its rest. " + repeated("Then go on with that. ", 20);
  const auto pieces = cut_out(text, std::vector<TextRange>{place(text, "X")}, CutRule::sentence, {.window = 5, .minimum_piece = 100});
  ASSERT_TRUE(pieces);
  ASSERT_EQ(pieces->size(), 2U);
  EXPECT_TRUE(joined_pieces(text, {&(*pieces)[0], 1}).ends_with("here."));
  EXPECT_TRUE(joined_pieces(text, {&(*pieces)[1], 1}).starts_with(" Then"));
}

}  // namespace
}  // namespace phidias::data::pipeline
