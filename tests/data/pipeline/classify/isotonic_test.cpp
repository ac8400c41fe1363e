#include "data/pipeline/classify/isotonic.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

namespace phidias::data::pipeline {
namespace {

TEST(Isotonic, PoolsNeighboursThatFall) {
  const IsotonicTable curve = fit_isotonic({{1, 0}, {2, 1}, {3, 0}, {4, 1}, {5, 1}, {6, 1}});
  EXPECT_EQ(curve.scores, (std::vector<double>{1, 2, 3, 4, 6}));
  EXPECT_EQ(curve.values, (std::vector<double>{0, 0.5, 0.5, 1, 1}));
  EXPECT_EQ(curve(0), 0);
  EXPECT_EQ(curve(1.5), 0.25);
  EXPECT_EQ(curve(2.7), 0.5);
  EXPECT_EQ(curve(3.5), 0.75);
  EXPECT_EQ(curve(9), 1);
}

TEST(Isotonic, PoolsEqualScoresFirst) {
  const IsotonicTable curve = fit_isotonic({{1, 1}, {1, 0}, {1, 0}, {1, 1}, {2, 1}});
  EXPECT_EQ(curve.scores, (std::vector<double>{1, 2}));
  EXPECT_EQ(curve.values, (std::vector<double>{0.5, 1}));
}

TEST(Isotonic, LeavesTheScoreWithoutPoints) { EXPECT_EQ(fit_isotonic({})(0.37), 0.37); }

// No rising step function through the scores is nearer: moving any block's value either way, or exchanging points, makes the sum of squares larger.
TEST(Isotonic, IsTheNearestRisingCurve) {
  std::mt19937 random(3);
  for (int round = 0; round < 200; ++round) {
    std::vector<ScoredTarget> points;
    for (int i = 0; i < 7; ++i) points.push_back({static_cast<double>(i), static_cast<double>(random() % 4) / 3});
    const auto squares = [&](const std::vector<double>& fit) {
      double sum = 0;
      for (std::size_t i = 0; i < points.size(); ++i) sum += (fit[i] - points[i].target) * (fit[i] - points[i].target);
      return sum;
    };
    const IsotonicTable curve = fit_isotonic(points);
    std::vector<double> fit;
    for (const ScoredTarget& point : points) fit.push_back(curve(point.score));
    ASSERT_TRUE(std::is_sorted(fit.begin(), fit.end()));
    // Means of blocks, over all ways to cut seven points into blocks: the best rising one is the answer.
    double best = 1e9;
    for (int cuts = 0; cuts < 64; ++cuts) {
      std::vector<double> candidate;
      for (std::size_t begin = 0; begin < 7;) {
        std::size_t end = begin + 1;
        while (end < 7 && (cuts >> (end - 1) & 1) == 0) ++end;
        double sum = 0;
        for (std::size_t i = begin; i < end; ++i) sum += points[i].target;
        candidate.insert(candidate.end(), end - begin, sum / static_cast<double>(end - begin));
        begin = end;
      }
      if (std::is_sorted(candidate.begin(), candidate.end())) best = std::min(best, squares(candidate));
    }
    EXPECT_NEAR(squares(fit), best, 1e-12);  // sums of seven doubles below 1
  }
}

}  // namespace
}  // namespace phidias::data::pipeline
