// Bars as one SVG document: lying ones for a funnel, standing ones for a distribution. Self-contained as line_chart.h.
//
//   BarChart chart{.title = "Documents left", .names = {"read", "filter"}, .series = {{"documents", {100, 80}}}};
//   page += to_svg(chart);
#pragma once

#include <string>
#include <vector>

namespace phidias::report {

struct BarSeries {
  std::string name;
  std::vector<double> values;  // one per bar, not negative
};

struct BarChart {
  std::string title = {};
  std::vector<std::string> names = {};  // of the bars; standing bars show only as many as there is room for
  std::vector<BarSeries> series = {};   // on top of each other
  std::vector<std::string> notes = {};  // of lying bars, behind each; empty: the sums
  bool standing = false;
  int width = 760;  // pixels
};

// Throws ConfigError when a series has not as many values, or the notes are not as many, as there are names. Without bars it says "no data".
std::string to_svg(const BarChart& chart);

}  // namespace phidias::report
