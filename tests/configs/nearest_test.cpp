#include "configs/nearest.h"

#include <gtest/gtest.h>

namespace phidias::configs {

TEST(Nearest, DistanceCountsInsertionsDeletionsSubstitutionsAndSwaps) {
  EXPECT_EQ(edit_distance("", ""), 0U);
  EXPECT_EQ(edit_distance("", "abc"), 3U);
  EXPECT_EQ(edit_distance("seed", "sed"), 1U);
  EXPECT_EQ(edit_distance("seed", "seeds"), 1U);
  EXPECT_EQ(edit_distance("wieght", "weight"), 1U);  // a swap of neighbours
  EXPECT_EQ(edit_distance("kitten", "sitting"), 3U);
}

TEST(Nearest, PicksTheClosestAndTheFirstAmongEquals) {
  EXPECT_EQ(nearest("stesp", {"tokens", "steps", "epochs"}), "steps");
  EXPECT_EQ(nearest("ab", {"ac", "ad"}), "ac");
}

TEST(Nearest, IsSilentWhenNothingIsClose) {
  EXPECT_FALSE(nearest("warmup", {"documents", "tokens"}).has_value());
  EXPECT_FALSE(nearest("xy", {"ab"}).has_value());  // a short word with every letter changed
  EXPECT_FALSE(nearest(std::string(1000, 'a'), {"aaa"}).has_value());
  EXPECT_EQ(suggestion("zzzzzz", {"steps"}), "");
  EXPECT_EQ(suggestion("step", {"steps"}), "; did you mean steps?");
}

}  // namespace phidias::configs
