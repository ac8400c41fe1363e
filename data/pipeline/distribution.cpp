#include "data/pipeline/distribution.h"

#include <algorithm>
#include <cmath>

#include "base/json.h"

namespace phidias::data::pipeline {
namespace {

constexpr int kLinear = 100, kOctaves = 40, kPerOctave = 8, kOuter = kOctaves * kPerOctave, kBins = kLinear + 2 * kOuter;

constexpr double kLargest = 1e140;  // the sum of 1e28 squares is still a number

// Bins in rising order: negative outer, linear, positive outer.
int bin_of(double value) {
  if (value >= -1 && value < 1) return kOuter + std::clamp(static_cast<int>(std::floor((value + 1) * 50)), 0, kLinear - 1);
  const int step = std::min(static_cast<int>(std::log2(std::fabs(value)) * kPerOctave), kOuter - 1);
  return value > 0 ? kOuter + kLinear + step : kOuter - 1 - step;
}

double low_of(int bin) {
  if (bin < kOuter) return -std::exp2(static_cast<double>(kOuter - bin) / kPerOctave);
  if (bin < kOuter + kLinear) return (bin - kOuter) / 50.0 - 1;
  return std::exp2(static_cast<double>(bin - kOuter - kLinear) / kPerOctave);
}

}  // namespace

void Distribution::add(double value, bool kept) {
  if (!(std::fabs(value) <= kLargest)) {
    ++not_finite_;
    return;
  }
  minimum_ = count_ == 0 ? value : std::min(minimum_, value);
  maximum_ = count_ == 0 ? value : std::max(maximum_, value);
  ++count_;
  const double before = value - mean_;
  mean_ += before / static_cast<double>(count_);
  squares_ += before * (value - mean_);
  if (bins_.empty()) bins_.resize(kBins);
  ++bins_[static_cast<std::size_t>(bin_of(value))][kept ? 0 : 1];
}

void Distribution::merge(const Distribution& other) {
  not_finite_ += other.not_finite_;
  if (other.count_ == 0) return;
  if (count_ == 0) {
    const std::int64_t not_finite = not_finite_;
    *this = other;
    not_finite_ = not_finite;
    return;
  }
  const auto mine = static_cast<double>(count_), theirs = static_cast<double>(other.count_), both = mine + theirs;
  const double difference = other.mean_ - mean_;
  mean_ += difference * theirs / both;
  squares_ += other.squares_ + difference * difference * mine * theirs / both;
  count_ += other.count_;
  minimum_ = std::min(minimum_, other.minimum_);
  maximum_ = std::max(maximum_, other.maximum_);
  for (std::size_t i = 0; i < bins_.size(); ++i)
    for (std::size_t side = 0; side < 2; ++side) bins_[i][side] += other.bins_[i][side];
}

OrderedJson Distribution::json() const {
  OrderedJson bins = OrderedJson::array();
  for (std::size_t i = 0; i < bins_.size(); ++i) {
    if (bins_[i][0] + bins_[i][1] == 0) continue;
    const int bin = static_cast<int>(i);
    bins.push_back({low_of(bin), low_of(bin + 1), bins_[i][0], bins_[i][1]});
  }
  const double deviation = count_ > 1 ? std::sqrt(squares_ / static_cast<double>(count_ - 1)) : 0;
  return {{"count", count_},     {"not_finite", not_finite_}, {"mean", mean_}, {"deviation", deviation},
          {"minimum", minimum_}, {"maximum", maximum_},       {"bins", bins}};
}

OrderedJson Distribution::state() const {
  OrderedJson bins = OrderedJson::array();
  for (std::size_t i = 0; i < bins_.size(); ++i)
    if (bins_[i][0] + bins_[i][1] != 0) bins.push_back({i, bins_[i][0], bins_[i][1]});
  return {count_, not_finite_, mean_, squares_, minimum_, maximum_, bins};
}

Distribution Distribution::from_state(const OrderedJson& state) {
  Distribution read;
  read.count_ = state.at(0);
  read.not_finite_ = state.at(1);
  read.mean_ = state.at(2);
  read.squares_ = state.at(3);
  read.minimum_ = state.at(4);
  read.maximum_ = state.at(5);
  if (read.count_ > 0) read.bins_.resize(kBins);
  for (const OrderedJson& bin : state.at(6)) read.bins_.at(bin.at(0).get<std::size_t>()) = {bin.at(1).get<std::int64_t>(), bin.at(2).get<std::int64_t>()};
  return read;
}

}  // namespace phidias::data::pipeline
