#include "data/pipeline/text/cut.h"

#include <gtest/gtest.h>

#include "data/pipeline/text/utf8_cut.h"
#include "tests/data/pipeline/text/stage_run.h"

namespace phidias::data::pipeline {
namespace {

TEST(Utf8Cut, NeverStandsInsideACharacter) {
  const std::string text = "aß日😀z";  // 1, 2, 3, 4 and 1 bytes
  const std::vector<std::size_t> boundaries = {0, 1, 3, 6, 10, 11};
  for (std::size_t bytes = 0; bytes <= text.size() + 2; ++bytes) {
    const std::size_t cut = utf8_cut(text, bytes).size();
    EXPECT_EQ(find_invalid_utf8(utf8_cut(text, bytes)), std::string::npos);
    EXPECT_EQ(find_invalid_utf8(std::string_view(text).substr(utf8_boundary_after(text, bytes))), std::string::npos);
    EXPECT_EQ(cut, *(std::upper_bound(boundaries.begin(), boundaries.end(), bytes) - 1));  // as long as can be
  }
  EXPECT_EQ(utf8_position(text, 3), 6u);
  EXPECT_EQ(utf8_position(text, 99), text.size());
}

TEST(Utf8Cut, PassesOverThreeBytesOfInvalidTextAtMost) {
  const std::string broken(10, '\x80');
  EXPECT_EQ(utf8_boundary_before(broken, 8), 5u);
  EXPECT_EQ(utf8_boundary_after(broken, 2), 5u);
}

TEST(Cut, CutsAtTheWantedBoundary) {
  const std::string text = "First one. Second two.\n\nThird sentence here. \"Fourth.\" Fifth goes on";
  EXPECT_EQ(cut_text(text, 40, CutBoundary::paragraph), "First one. Second two.");
  EXPECT_EQ(cut_text(text, 50, CutBoundary::sentence), "First one. Second two.\n\nThird sentence here.");
  EXPECT_EQ(cut_text(text, 56, CutBoundary::sentence), "First one. Second two.\n\nThird sentence here. \"Fourth.\"");
  EXPECT_EQ(cut_text(text, 34, CutBoundary::word), "First one. Second two.\n\nThird");
  EXPECT_EQ(cut_text(text, 34, CutBoundary::character), text.substr(0, 34));
  EXPECT_EQ(cut_text(text, 1000, CutBoundary::paragraph), text);
  EXPECT_EQ(cut_text("最初の文です。次の文はとても長いです", 12, CutBoundary::sentence), "最初の文です。");
}

TEST(Cut, TakesAFinerBoundaryRatherThanLoseHalf) {
  EXPECT_EQ(cut_text("Title\n\nOne long sentence without any end at all", 40, CutBoundary::paragraph), "Title\n\nOne long sentence without any end");
  EXPECT_EQ(cut_text(std::string(100, 'x'), 10, CutBoundary::paragraph), std::string(10, 'x'));
}

TEST(Cut, CountsCharactersNotBytesAndLeavesShortDocumentsAlone) {
  const Cut stage({.max_characters = 5}, setup_named("cut"));
  EXPECT_EQ(run_on(stage, "ßßßßß").text(), "ßßßßß");
  const Document cut = run_on(stage, "日本語日本語日本語");
  EXPECT_EQ(cut.text(), "日本語日本");
  EXPECT_EQ(cut.annotations().number("cut.characters"), 9);
}

TEST(Cut, DropsWhereAsked) {
  const Cut stage({.max_characters = 5, .too_long = TooLong::drop}, setup_named("cut"));
  EXPECT_EQ(run_on(stage, "123456").reason(), "too_long");
  EXPECT_FALSE(run_on(stage, "12345").dropped());
}

}  // namespace
}  // namespace phidias::data::pipeline
