#include "data/pipeline/classify/isotonic.h"

#include <algorithm>
#include <cstddef>

namespace phidias::data::pipeline {
namespace {

struct Block {
  double first = 0, last = 0, sum = 0, weight = 0;
  double mean() const { return sum / weight; }
};

}  // namespace

double IsotonicTable::operator()(double score) const {
  if (empty()) return score;
  const auto above = std::upper_bound(scores.begin(), scores.end(), score);
  if (above == scores.begin()) return values.front();
  if (above == scores.end()) return values.back();
  const auto right = static_cast<std::size_t>(above - scores.begin()), left = right - 1;
  return values[left] + (values[right] - values[left]) * (score - scores[left]) / (scores[right] - scores[left]);
}

IsotonicTable fit_isotonic(std::vector<ScoredTarget> points) {
  // By target as well: the sums then do not depend on the order of the points.
  std::sort(points.begin(), points.end(),
            [](const ScoredTarget& a, const ScoredTarget& b) { return a.score != b.score ? a.score < b.score : a.target < b.target; });
  std::vector<Block> pooled;
  for (std::size_t i = 0; i < points.size();) {
    Block block{.first = points[i].score, .last = points[i].score};
    for (; i < points.size() && points[i].score == block.first; ++i) block.sum += points[i].target, block.weight += 1;
    while (!pooled.empty() && pooled.back().mean() >= block.mean()) {
      block.first = pooled.back().first;
      block.sum += pooled.back().sum;
      block.weight += pooled.back().weight;
      pooled.pop_back();
    }
    pooled.push_back(block);
  }
  IsotonicTable table;
  for (const Block& block : pooled) {
    table.scores.push_back(block.first);
    table.values.push_back(block.mean());
    if (block.last == block.first) continue;
    table.scores.push_back(block.last);
    table.values.push_back(block.mean());
  }
  return table;
}

}  // namespace phidias::data::pipeline
