// A line chart as one SVG document: title, axes with ticks and grid, several series, legend, optional logarithmic scale and smoothing.
//
//   LineChart chart{.title = "Loss", .x_label = "step", .y_label = "loss", .smoothing = 0.9};
//   chart.series.push_back({"training", steps, losses});
//   write_file_atomic("loss.svg", to_svg(chart));
//
// Self-contained (no script, no style sheet, no font file), a few dozen kilobytes whatever the number of points.
#pragma once

#include <string>
#include <vector>

namespace phidias::report {

struct Series {
  std::string name;
  std::vector<double> x, y;  // of one length, x increasing; points that are not finite are left out
  bool markers = false;      // a dot per point: for few points far apart
};

struct LineChart {
  std::string title = {}, x_label = {}, y_label = {};
  std::vector<Series> series = {};
  bool whole_x = true;            // x counts something: no ticks at 2.5
  bool logarithmic_y = false;     // points that are not positive are left out
  double smoothing = 0;           // weight of the past in an exponential average, 0 (off) to below 1; the raw line stays, paler
  int width = 760, height = 400;  // pixels
};

// Throws ConfigError when a series' x and y differ in length. A chart without points says "no data".
std::string to_svg(const LineChart& chart);

// `&`, `<`, `>` and quotes for SVG and HTML.
std::string escape_markup(const std::string& text);

// Exponential average with the weight of the start corrected: the first value is the first point, not a blend with zero.
std::vector<double> smooth(const std::vector<double>& values, double weight);

}  // namespace phidias::report
