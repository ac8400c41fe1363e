#include "report/line_chart.h"

#include <gtest/gtest.h>

#include <cmath>
#include <sstream>

#include "base/error.h"

namespace phidias::report {
namespace {

std::size_t count(const std::string& text, const std::string& piece) {
  std::size_t found = 0;
  for (std::size_t at = text.find(piece); at != std::string::npos; at = text.find(piece, at + 1)) ++found;
  return found;
}

// The pairs of the first line drawn.
std::vector<std::pair<double, double>> points_of(const std::string& svg) {
  const std::size_t begin = svg.find("points=\"") + 8;
  std::istringstream in(svg.substr(begin, svg.find('"', begin) - begin));
  std::vector<std::pair<double, double>> points;
  double x, y;
  char comma;
  while (in >> x >> comma >> y) points.emplace_back(x, y);
  return points;
}

TEST(LineChart, DrawsALineWhoseEndsLieAtTheEndsOfTheAxes) {
  const std::string svg = to_svg({.title = "Loss", .x_label = "step", .y_label = "nats", .series = {{"a", {0, 10}, {0, 4}}}});
  const auto points = points_of(svg);
  ASSERT_EQ(points.size(), 2u);
  EXPECT_LT(points[0].first, points[1].first);
  EXPECT_GT(points[0].second, points[1].second);  // down the page is less
  for (const char* text : {">Loss<", ">step<", ">nats<", ">10<", ">4<"}) EXPECT_NE(svg.find(text), std::string::npos) << text;
  EXPECT_EQ(count(svg, "<polyline"), 1u);
  EXPECT_TRUE(svg.starts_with("<svg xmlns=") && svg.ends_with("</svg>\n"));
}

TEST(LineChart, LeavesOutWhatCannotBeDrawn) {
  const double nan = std::nan(""), infinity = HUGE_VAL;
  LineChart chart{.title = "Loss", .series = {{"a", {1, 2, 3, 4, 5}, {1, nan, infinity, -2, 3}}}};
  EXPECT_EQ(points_of(to_svg(chart)).size(), 3u);
  chart.logarithmic_y = true;
  EXPECT_EQ(points_of(to_svg(chart)).size(), 2u);
  EXPECT_EQ(to_svg(chart).find("nan"), std::string::npos);
  EXPECT_EQ(to_svg(chart).find("inf"), std::string::npos);
}

TEST(LineChart, SaysWhenThereIsNothingToDraw) {
  EXPECT_NE(to_svg({.title = "Loss"}).find("no data"), std::string::npos);
  EXPECT_NE(to_svg({.series = {{"a", {}, {}}}}).find("no data"), std::string::npos);
  EXPECT_NE(to_svg({.series = {{"a", {1}, {2}}}}).find("<circle"), std::string::npos);  // one point is a dot
}

TEST(LineChart, NamesSeveralSeriesInALegend) {
  EXPECT_EQ(to_svg({.series = {{"alpha", {1, 2}, {1, 2}}}}).find("alpha"), std::string::npos);
  const std::string svg = to_svg({.series = {{"alpha", {1, 2}, {1, 2}}, {"b<&>", {1, 2}, {2, 3}, true}}});
  EXPECT_NE(svg.find("alpha"), std::string::npos);
  EXPECT_NE(svg.find("b&lt;&amp;&gt;"), std::string::npos);
  EXPECT_EQ(count(svg, "<circle"), 2u);
}

TEST(LineChart, StaysSmallAndKeepsPeaksHoweverManyPoints) {
  Series series{"a", {}, {}};
  for (int i = 0; i < 200000; ++i) {
    series.x.push_back(i);
    series.y.push_back(i == 123456 ? 100 : 1 + 0.001 * (i % 7));
  }
  const std::string svg = to_svg({.series = {series}});
  EXPECT_LT(svg.size(), 60000u);
  double top = 1e9, bottom = 0;
  for (const auto& [x, y] : points_of(svg)) {
    top = std::min(top, y);
    bottom = std::max(bottom, y);
  }
  EXPECT_GT(bottom - top, 200);  // pixels: the one high point of 200000 is there
}

TEST(LineChart, SmoothingKeepsTheRawLineAndStartsAtTheFirstPoint) {
  EXPECT_EQ(count(to_svg({.series = {{"a", {1, 2, 3}, {1, 5, 1}}}, .smoothing = 0.9}), "<polyline"), 2u);
  const std::vector<double> averaged = smooth({4, 4, 8}, 0.5);
  EXPECT_DOUBLE_EQ(averaged[0], 4);
  EXPECT_DOUBLE_EQ(averaged[1], 4);
  EXPECT_DOUBLE_EQ(averaged[2], (0.125 * 4 + 0.25 * 4 + 0.5 * 8) / 0.875);
}

TEST(LineChart, RefusesSeriesOfDifferentLengths) { EXPECT_THROW(to_svg({.series = {{"a", {1, 2}, {1}}}}), ConfigError); }

}  // namespace
}  // namespace phidias::report
