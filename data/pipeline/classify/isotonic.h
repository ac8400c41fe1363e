// Calibration of a score by isotonic regression: the rising curve that is nearest to the labels in the sum of squares (pool adjacent violators).
//
//   IsotonicTable curve = fit_isotonic(points);      // points: {score, 1 or 0} of documents that were not trained on
//   double probability = curve(0.37);
//
// As scikit-learn's IsotonicRegression(out_of_bounds="clip"): equal scores are pooled first, a block stands from its first to its last score, straight
// lines join blocks, and the ends go on level.
#pragma once

#include <vector>

namespace phidias::data::pipeline {

struct ScoredTarget {
  double score = 0, target = 0;
};

struct IsotonicTable {
  std::vector<double> scores, values;  // both rising; empty: the score is left as it is
  bool empty() const { return scores.empty(); }
  double operator()(double score) const;
  bool operator==(const IsotonicTable&) const = default;
};

// Empty for no points.
IsotonicTable fit_isotonic(std::vector<ScoredTarget> points);

}  // namespace phidias::data::pipeline
