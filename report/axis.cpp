#include "report/axis.h"

#include <algorithm>
#include <cmath>
#include <cstdio>

namespace phidias::report {
namespace {

// The smallest of 1, 2, 5 times a power of ten that is not below `rough`.
double round_step(double rough) {
  const double power = std::pow(10.0, std::floor(std::log10(rough)));
  for (const double factor : {1.0, 2.0, 5.0}) {
    if (factor * power >= rough * (1 - 1e-9)) return factor * power;
  }
  return 10 * power;
}

std::string printed(double value, int decimals) {
  char text[64];
  std::snprintf(text, sizeof(text), "%.*f", decimals, value);
  return text;
}

}  // namespace

std::string tick_text(double value, double step) {
  if (value == 0) return "0";
  const double size = std::abs(value);
  if (size < 1e-3 || size >= 1e12) {
    const int exponent = static_cast<int>(std::floor(std::log10(size) + 1e-9));
    const double digits = value / std::pow(10.0, exponent);
    const bool whole = std::abs(digits - std::round(digits)) < 1e-6;
    return printed(digits, whole ? 0 : 1) + "e" + std::to_string(exponent);
  }
  const char* unit = "";
  for (const auto& [scale, letter] : {std::pair{1e9, "G"}, std::pair{1e6, "M"}, std::pair{1e3, "k"}}) {
    if (size < scale) continue;
    value /= scale;
    step /= scale;
    unit = letter;
    break;
  }
  const int decimals = step >= 0.999 ? 0 : std::clamp(static_cast<int>(std::ceil(-std::log10(step) - 1e-9)), 0, 6);
  return printed(value, decimals) + unit;
}

Axis::Axis(double low, double high, bool logarithmic, int wanted_ticks, double smallest_step) : low_(low), high_(high), logarithmic_(logarithmic) {
  if (low_ == high_) {  // a flat line runs through the middle
    low_ = logarithmic_ ? low_ / 2 : low_ - std::max(std::abs(low_) * 0.1, 1e-12);
    high_ = logarithmic_ ? high_ * 2 : high_ + std::max(std::abs(high_) * 0.1, 1e-12);
  }
  if (logarithmic_)
    place_logarithmic_ticks(wanted_ticks);
  else
    place_linear_ticks(wanted_ticks, smallest_step);
}

void Axis::place_linear_ticks(int wanted, double smallest_step) {
  const double step = round_step(std::max(smallest_step, (high_ - low_) / std::max(1, wanted)));
  const double first = std::floor(low_ / step + 1e-9), last = std::ceil(high_ / step - 1e-9);
  low_ = first * step;
  high_ = last * step;
  for (double i = first; i <= last; ++i) ticks_.push_back({i * step, tick_text(i * step, step)});
}

void Axis::place_logarithmic_ticks(int wanted) {
  const int first = static_cast<int>(std::floor(std::log10(low_))), last = static_cast<int>(std::ceil(std::log10(high_)));
  std::vector<double> factors = {1};
  if (last - first <= wanted / 2) factors = {1, 2, 5};
  const int every = std::max(1, (last - first + wanted - 1) / std::max(1, wanted));
  for (int exponent = first; exponent <= last; exponent += every) {
    for (const double factor : factors) {
      const double value = factor * std::pow(10.0, exponent);
      ticks_.push_back({value, tick_text(value, value)});
    }
  }
  // The axis ends at the ticks just outside of the data, not at whole powers of ten.
  while (ticks_.size() > 2 && ticks_[1].value <= low_ * (1 + 1e-9)) ticks_.erase(ticks_.begin());
  while (ticks_.size() > 2 && ticks_[ticks_.size() - 2].value >= high_ * (1 - 1e-9)) ticks_.pop_back();
  low_ = std::min(low_, ticks_.front().value);
  high_ = std::max(high_, ticks_.back().value);
}

double Axis::position(double value) const {
  if (logarithmic_) return (std::log(value) - std::log(low_)) / (std::log(high_) - std::log(low_));
  return (value - low_) / (high_ - low_);
}

}  // namespace phidias::report
