#include "report/bar_chart.h"

#include <gtest/gtest.h>

#include "base/error.h"

namespace phidias::report {
namespace {

std::size_t occurrences(const std::string& text, const std::string& part) {
  std::size_t count = 0;
  for (std::size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++count;
  return count;
}

TEST(BarChart, DrawsABarPerValueWithItsSum) {
  const std::string svg = to_svg({.title = "left", .names = {"read", "a & b"}, .series = {{"kept", {12000, 6000}}, {"dropped", {0, 4000}}}});
  EXPECT_EQ(occurrences(svg, "<rect"), 4u + 2u) << "two bars of two parts and the legend";
  EXPECT_NE(svg.find(">12 000<"), std::string::npos);
  EXPECT_NE(svg.find(">10 000<"), std::string::npos);
  EXPECT_NE(svg.find("a &amp; b"), std::string::npos);
}

TEST(BarChart, GivesTheLargestSumTheWholeRoom) {
  const std::string svg = to_svg({.names = {"x", "y"}, .series = {{"n", {8, 2}}}, .width = 410});
  EXPECT_NE(svg.find("width=\"100.00\""), std::string::npos) << "410 less names (220) and numbers (90)";
  EXPECT_NE(svg.find("width=\"25.00\""), std::string::npos);
}

TEST(BarChart, PrintsNotesInPlaceOfSums) {
  const std::string svg = to_svg({.names = {"a"}, .series = {{"left", {81}}, {"dropped", {1}}}, .notes = {"81 left"}});
  EXPECT_NE(svg.find(">81 left<"), std::string::npos);
  EXPECT_EQ(svg.find(">82<"), std::string::npos);
  EXPECT_THROW(to_svg({.names = {"a", "b"}, .series = {{"n", {1, 2}}}, .notes = {"one"}}), ConfigError);
}

TEST(BarChart, LeavesNamesOutWhereThereIsNoRoom) {
  BarChart chart{.standing = true};
  chart.series.push_back({"n", {}});
  for (int i = 0; i < 200; ++i) {
    chart.names.push_back("bin" + std::to_string(i));
    chart.series[0].values.push_back(1);
  }
  const std::string svg = to_svg(chart);
  EXPECT_EQ(occurrences(svg, "<rect"), 200u);
  EXPECT_LT(occurrences(svg, ">bin"), 20u);
}

TEST(BarChart, SaysNoDataAndRefusesUnevenSeries) {
  EXPECT_NE(to_svg({}).find("no data"), std::string::npos);
  EXPECT_THROW(to_svg({.names = {"a"}, .series = {{"n", {1, 2}}}}), ConfigError);
}

}  // namespace
}  // namespace phidias::report
