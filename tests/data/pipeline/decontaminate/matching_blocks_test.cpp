#include "data/pipeline/decontaminate/matching_blocks.h"

#include <gtest/gtest.h>

#include "tests/data/pipeline/decontaminate/golden_cases.h"

namespace phidias::data::pipeline {
namespace {

TEST(MatchingBlocks, AreThoseOfDifflib) {
  for (const Json& example : golden_cases()["blocks"]) {
    std::vector<MatchingBlock> expected;
    for (const Json& block : example["blocks"]) expected.push_back({block[0], block[1], block[2]});
    EXPECT_EQ(matching_blocks(code_points(example["a"].get<std::string>()), code_points(example["b"].get<std::string>())), expected) << example;
  }
}

TEST(MatchingBlocks, MatchedPartCountsLongRunsOnly) {
  EXPECT_DOUBLE_EQ(matched_part(U"the cat sat on a mat", U"the cat sat on a mat"), 1.0);
  EXPECT_DOUBLE_EQ(matched_part(U"abcde", U"abcdef"), 0.0);  // five characters are too few
  EXPECT_DOUBLE_EQ(matched_part(U"abcdef", U"abcdefghij"), 6.0 / 10);
  EXPECT_DOUBLE_EQ(matched_part(U"", U"abcdef"), 0.0);
  EXPECT_DOUBLE_EQ(matched_part(U"abcdef", U""), 0.0);
  EXPECT_DOUBLE_EQ(matched_part(U"x abcdef y", U" abcdef "), 6.0 / 8);  // outer spaces do not count
}

TEST(MatchingBlocks, MatchedPartStaysBelowItsBound) {
  int above_zero = 0;
  for (const Json& example : golden_cases()["blocks"]) {
    const std::u32string a = code_points(example["a"].get<std::string>()), b = code_points(example["b"].get<std::string>());
    EXPECT_LE(matched_part(a, b), matched_part_bound(character_runs(a), b)) << example;
    above_zero += matched_part(a, b) > 0;
  }
  EXPECT_GE(above_zero, 4);  // else nothing is compared
  EXPECT_DOUBLE_EQ(matched_part_bound(character_runs(U"xabcdefx"), U"abcdefghij"), 6.0 / 10);
}

TEST(MatchingBlocks, CommonWordsKeepTheirOrder) {
  EXPECT_DOUBLE_EQ(common_words({"a", "b", "c", "d"}, {"x", "a", "c", "y", "d"}), 0.75);
  EXPECT_DOUBLE_EQ(common_words({"a", "b"}, {"b", "a"}), 0.5);
  EXPECT_DOUBLE_EQ(common_words({}, {"a"}), 0.0);
  EXPECT_DOUBLE_EQ(common_words({"a"}, {}), 0.0);
}

}  // namespace
}  // namespace phidias::data::pipeline
