// Whether a preference set teaches length: the longer answer chosen too often is the commonest fault of preference data.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "base/json_fwd.h"

namespace phidias::data {

struct PairLengths {
  std::int64_t chosen = 0, rejected = 0;  // characters
  double margin = 0;
};

struct LengthBias {
  double mean_chosen = 0, mean_rejected = 0;
  double longer_wins = 0;            // part of the pairs of different lengths whose longer answer is chosen
  double correlation = 0;            // Pearson's, of score and length over all scored candidates; 0 where one of them does not vary
  std::vector<std::int64_t> ratios;  // pairs by chosen / rejected length: below 1/4, 1/2, 1/1.25, 1.25, 2, 4, above
  static const std::vector<double>& edges();
  OrderedJson json() const;
};

LengthBias length_bias(std::span<const PairLengths> pairs, std::span<const std::pair<double, double>> scores_and_lengths);

// Pairs to leave out so that the longer answer wins as often as it loses: those of the side that has more, smallest margins first, of equal ones the last.
std::vector<std::size_t> left_out_for_balance(std::span<const PairLengths> pairs);

}  // namespace phidias::data
