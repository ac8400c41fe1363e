// One axis of a chart: its range and where its ticks stand.
#pragma once

#include <string>
#include <vector>

namespace phidias::report {

struct Tick {
  double value;
  std::string text;  // "0.5", "2k", "1e-5"
};

class Axis {
 public:
  // Covers [low, high], widened to whole ticks. Logarithmic axes need low > 0. low == high is allowed. About `wanted_ticks` ticks, linear ones at
  // least `smallest_step` apart (1 for whole numbers).
  Axis(double low, double high, bool logarithmic, int wanted_ticks, double smallest_step = 0);
  // 0 at the low end of the axis, 1 at the high end.
  double position(double value) const;
  const std::vector<Tick>& ticks() const { return ticks_; }

 private:
  void place_linear_ticks(int wanted, double smallest_step);
  void place_logarithmic_ticks(int wanted);
  double low_, high_;
  bool logarithmic_;
  std::vector<Tick> ticks_;
};

// Short and exact to the digits of `step`: 1500 -> "1.5k", 2000000 -> "2M", 0.00002 -> "2e-5".
std::string tick_text(double value, double step);

}  // namespace phidias::report
