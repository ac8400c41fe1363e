#include "report/distribution_chart.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "base/json.h"

namespace phidias::report {
namespace {

// A bin of the grid: [low, high, kept, dropped].
BarChart chart_of(const Json& bins) { return distribution_chart("score", {{"mean", 0.5}, {"deviation", 0.1}, {"minimum", 0}, {"maximum", 1}, {"bins", bins}}); }

TEST(DistributionChart, GivesEmptyBinsTheirPlace) {
  const BarChart chart = chart_of({{0.0, 0.02, 5, 1}, {0.16, 0.18, 0, 2}, {0.7, 0.72, 7, 0}});
  ASSERT_EQ(chart.names.size(), 36u) << "0, 0.02, ... 0.7";
  EXPECT_EQ(chart.names[8], "0.16");
  EXPECT_EQ(chart.series[0].values[0], 5);
  EXPECT_EQ(chart.series[1].values[8], 2);
  EXPECT_EQ(chart.series[0].values[35], 7);
  EXPECT_EQ(std::count(chart.series[0].values.begin(), chart.series[0].values.end(), 0.0), 34);
}

TEST(DistributionChart, CrossesFromOneWidthOfBinToTheOther) {
  const double step = std::exp2(1.0 / 8);
  const BarChart chart = chart_of({{-step, -1.0, 1, 0}, {-1.0, -0.98, 2, 0}, {0.98, 1.0, 3, 0}, {1.0, step, 4, 0}, {2.0, 2 * step, 5, 0}});
  ASSERT_EQ(chart.names.size(), 1u + 100 + 9) << "one below -1, the linear ones, 1 to 2 and the one at 2";
  EXPECT_EQ(chart.series[0].values[0], 1);
  EXPECT_EQ(chart.series[0].values[1], 2);
  EXPECT_EQ(chart.series[0].values[100], 3);
  EXPECT_EQ(chart.series[0].values[101], 4);
  EXPECT_EQ(chart.series[0].values[109], 5);
}

TEST(DistributionChart, DrawsNeighboursAsOneWhereThereAreManyAndLosesNone) {
  Json bins = Json::array();
  for (int i = 0; i < 100; ++i) bins.push_back({(i - 50) / 50.0, (i - 49) / 50.0, 1, 2});
  for (int i = 0; i < 100; ++i) bins.push_back({std::exp2(i / 8.0), std::exp2((i + 1) / 8.0), 1, 2});
  const BarChart chart = chart_of(bins);
  ASSERT_EQ(chart.names.size(), 100u);
  for (std::size_t i = 0; i < 100; ++i) {
    EXPECT_EQ(chart.series[0].values[i], 2) << i;
    EXPECT_EQ(chart.series[1].values[i], 4) << i;
  }
  EXPECT_EQ(chart.names[50], "1");
}

}  // namespace
}  // namespace phidias::report
