// How the values of one annotation are distributed, over kept and dropped documents: counts in fixed bins, mean and deviation. Mergeable; merging the same
// parts in the same order gives the same bits.
//
// Bins: 100 of width 0.02 over [-1, 1), outside 8 per doubling up to 2^40.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "base/json_fwd.h"

namespace phidias::data::pipeline {

class Distribution {
 public:
  void add(double value, bool kept);  // values that are not finite, or beyond 1e140, are counted apart
  void merge(const Distribution& other);
  // {"count", "not_finite", "mean", "deviation", "minimum", "maximum", "bins": [[low, high, kept, dropped], ...]}: bins that are not empty, in rising order.
  OrderedJson json() const;
  // For merging: everything, exactly.
  OrderedJson state() const;
  static Distribution from_state(const OrderedJson& state);

 private:
  std::int64_t count_ = 0, not_finite_ = 0;
  double mean_ = 0, squares_ = 0, minimum_ = 0, maximum_ = 0;  // Welford: squares of deviations summed up
  std::vector<std::array<std::int64_t, 2>> bins_;              // empty, or all
};

}  // namespace phidias::data::pipeline
