#include "report/axis.h"

#include <gtest/gtest.h>

#include <cmath>

namespace phidias::report {
namespace {

std::vector<std::string> texts(const Axis& axis) {
  std::vector<std::string> result;
  for (const Tick& tick : axis.ticks()) result.push_back(tick.text);
  return result;
}
using Texts = std::vector<std::string>;

TEST(Axis, PutsTicksAtRoundNumbersAroundTheData) {
  EXPECT_EQ(texts(Axis(0.37, 3.5, false, 6)), (Texts{"0", "1", "2", "3", "4"}));
  EXPECT_EQ(texts(Axis(1.95, 1.99, false, 4)), (Texts{"1.95", "1.96", "1.97", "1.98", "1.99"}));
  EXPECT_EQ(texts(Axis(-1, 1, false, 4)), (Texts{"-1.0", "-0.5", "0", "0.5", "1.0"}));
}

TEST(Axis, OfCountsHasNoTicksBetweenWholeNumbers) { EXPECT_EQ(texts(Axis(1, 3, false, 8, 1)), (Texts{"1", "2", "3"})); }

TEST(Axis, EndsAreZeroAndOneAndTheDataLiesBetween) {
  for (const auto& [low, high] : {std::pair{0.013, 7.1}, std::pair{5.0, 5.0}, std::pair{1e-9, 3e9}, std::pair{1000.0, 1001.0}}) {
    for (const bool logarithmic : {false, true}) {
      const Axis axis(low, high, logarithmic, 6);
      ASSERT_GE(axis.ticks().size(), 2u);
      EXPECT_LE(axis.ticks().size(), 16u);
      EXPECT_GE(axis.position(low), -1e-9) << low;
      EXPECT_LE(axis.position(high), 1 + 1e-9) << high;
      EXPECT_LT(axis.position(low), axis.position(high) + (low == high ? 1 : 0));
      for (const Tick& tick : axis.ticks()) EXPECT_TRUE(axis.position(tick.value) > -1e-9 && axis.position(tick.value) < 1 + 1e-9) << tick.text;
    }
  }
}

TEST(Axis, AFlatLineRunsThroughTheMiddle) {
  EXPECT_NEAR(Axis(2e-5, 2e-5, false, 6).position(2e-5), 0.5, 1e-6);
  EXPECT_NEAR(Axis(0, 0, false, 6).position(0), 0.5, 1e-6);
}

TEST(Axis, LogarithmicTicksAreDecadesOrOneTwoFive) {
  EXPECT_EQ(texts(Axis(0.3, 18, true, 6)), (Texts{"0.2", "0.5", "1", "2", "5", "10", "20"}));
  EXPECT_EQ(texts(Axis(1e-6, 1, true, 6)), (Texts{"1e-6", "1e-5", "1e-4", "0.001", "0.01", "0.1", "1"}));
}

TEST(TickText, IsShort) {
  EXPECT_EQ(tick_text(0, 1), "0");
  EXPECT_EQ(tick_text(1500, 500), "1.5k");
  EXPECT_EQ(tick_text(2000000, 1000000), "2M");
  EXPECT_EQ(tick_text(-0.25, 0.05), "-0.25");
  EXPECT_EQ(tick_text(2e-5, 1e-5), "2e-5");
  EXPECT_EQ(tick_text(2.5e-4, 5e-5), "2.5e-4");
  EXPECT_EQ(tick_text(3e9, 1e9), "3G");
}

}  // namespace
}  // namespace phidias::report
