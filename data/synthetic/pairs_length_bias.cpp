#include "data/synthetic/pairs_length_bias.h"

#include <algorithm>
#include <cmath>

#include "base/json.h"

namespace phidias::data {
namespace {

double pearson(std::span<const std::pair<double, double>> points) {
  if (points.size() < 2) return 0;
  double mean_x = 0, mean_y = 0;
  for (const auto& [x, y] : points) {
    mean_x += x;
    mean_y += y;
  }
  mean_x /= static_cast<double>(points.size());
  mean_y /= static_cast<double>(points.size());
  double xx = 0, yy = 0, xy = 0;
  for (const auto& [x, y] : points) {
    xx += (x - mean_x) * (x - mean_x);
    yy += (y - mean_y) * (y - mean_y);
    xy += (x - mean_x) * (y - mean_y);
  }
  return xx > 0 && yy > 0 ? xy / std::sqrt(xx * yy) : 0;
}

}  // namespace

const std::vector<double>& LengthBias::edges() {
  static const std::vector<double> edges = {0.25, 0.5, 0.8, 1.25, 2, 4};
  return edges;
}

LengthBias length_bias(std::span<const PairLengths> pairs, std::span<const std::pair<double, double>> scores_and_lengths) {
  LengthBias bias;
  bias.ratios.assign(LengthBias::edges().size() + 1, 0);
  bias.correlation = pearson(scores_and_lengths);
  std::int64_t wins = 0, different = 0, chosen = 0, rejected = 0;
  for (const PairLengths& pair : pairs) {
    chosen += pair.chosen;
    rejected += pair.rejected;
    wins += pair.chosen > pair.rejected;
    different += pair.chosen != pair.rejected;
    const double ratio = static_cast<double>(pair.chosen) / static_cast<double>(std::max<std::int64_t>(1, pair.rejected));
    const auto bin = std::upper_bound(LengthBias::edges().begin(), LengthBias::edges().end(), ratio) - LengthBias::edges().begin();
    ++bias.ratios[static_cast<std::size_t>(bin)];
  }
  if (!pairs.empty()) {
    bias.mean_chosen = static_cast<double>(chosen) / static_cast<double>(pairs.size());
    bias.mean_rejected = static_cast<double>(rejected) / static_cast<double>(pairs.size());
  }
  if (different > 0) bias.longer_wins = static_cast<double>(wins) / static_cast<double>(different);
  return bias;
}

OrderedJson LengthBias::json() const {
  return {{"mean_characters_chosen", mean_chosen},
          {"mean_characters_rejected", mean_rejected},
          {"longer_wins", longer_wins},
          {"correlation_of_score_and_length", correlation},
          {"chosen_to_rejected_length", {{"edges", edges()}, {"pairs", ratios}}}};
}

std::vector<std::size_t> left_out_for_balance(std::span<const PairLengths> pairs) {
  std::vector<std::size_t> longer, shorter;
  for (std::size_t i = 0; i < pairs.size(); ++i) {
    if (pairs[i].chosen > pairs[i].rejected) longer.push_back(i);
    if (pairs[i].chosen < pairs[i].rejected) shorter.push_back(i);
  }
  std::vector<std::size_t>& more = longer.size() > shorter.size() ? longer : shorter;
  const std::size_t surplus = more.size() - std::min(longer.size(), shorter.size());
  std::sort(more.begin(), more.end(),
            [&](std::size_t a, std::size_t b) { return pairs[a].margin != pairs[b].margin ? pairs[a].margin < pairs[b].margin : a > b; });
  more.resize(surplus);
  std::sort(more.begin(), more.end());
  return more;
}

}  // namespace phidias::data
