#include "report/bar_chart.h"

#include <algorithm>
#include <cstdio>

#include "base/error.h"
#include "report/line_chart.h"
#include "report/page.h"

namespace phidias::report {
namespace {

constexpr const char* kColours[] = {"#3572b0", "#d98f45", "#5a9e5a", "#a05ab0"};
constexpr double kNameWidth = 220, kNumberWidth = 90, kNoteWidth = 200, kBar = 18, kGap = 6, kHead = 46, kStanding = 220, kFoot = 40;

std::string printed(const char* format, auto... values) {
  char text[512];
  std::snprintf(text, sizeof text, format, values...);
  return text;
}

std::string text_at(double x, double y, const std::string& anchor, int size, const std::string& content) {
  return printed("<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"%s\" font-size=\"%d\">", x, y, anchor.c_str(), size) + escape_markup(content) + "</text>\n";
}

std::string rectangle(double x, double y, double width, double height, std::size_t series) {
  return printed("<rect x=\"%.2f\" y=\"%.2f\" width=\"%.2f\" height=\"%.2f\" fill=\"%s\"/>\n", x, y, width, height, kColours[series % 4]);
}

double sum_at(const BarChart& chart, std::size_t bar) {
  double sum = 0;
  for (const BarSeries& series : chart.series) sum += series.values[bar];
  return sum;
}

std::string legend(const BarChart& chart) {
  if (chart.series.size() < 2) return {};
  std::string text;
  double x = chart.width - 20;
  for (std::size_t s = chart.series.size(); s-- > 0;) {
    text += text_at(x, 22, "end", 12, chart.series[s].name);
    x -= 7.0 * static_cast<double>(chart.series[s].name.size()) + 16;
    text += rectangle(x, 13, 10, 10, s);
    x -= 14;
  }
  return text;
}

std::string lying(const BarChart& chart, double largest) {
  std::string body;
  const double room = chart.width - kNameWidth - (chart.notes.empty() ? kNumberWidth : kNoteWidth);
  for (std::size_t i = 0; i < chart.names.size(); ++i) {
    const double y = kHead + static_cast<double>(i) * (kBar + kGap);
    double x = kNameWidth;
    body += text_at(kNameWidth - 8, y + 13, "end", 12, chart.names[i]);
    for (std::size_t s = 0; s < chart.series.size(); ++s) {
      const double width = largest > 0 ? room * chart.series[s].values[i] / largest : 0;
      body += rectangle(x, y, width, kBar, s);
      x += width;
    }
    body += text_at(x + 6, y + 13, "start", 12, chart.notes.empty() ? grouped(static_cast<long long>(sum_at(chart, i))) : chart.notes[i]);
  }
  return body;
}

std::string standing(const BarChart& chart, double largest) {
  std::string body;
  const double left = 20, step = (chart.width - 2 * left) / static_cast<double>(chart.names.size());
  const std::size_t every = std::max<std::size_t>(1, static_cast<std::size_t>(60 / step) + 1);
  for (std::size_t i = 0; i < chart.names.size(); ++i) {
    const double x = left + static_cast<double>(i) * step;
    double y = kHead + kStanding;
    for (std::size_t s = 0; s < chart.series.size(); ++s) {
      const double height = largest > 0 ? kStanding * chart.series[s].values[i] / largest : 0;
      y -= height;
      if (height > 0) body += rectangle(x, y, std::max(step - 1, 0.5), height, s);
    }
    if (i % every == 0) body += text_at(x, kHead + kStanding + 16, "start", 11, chart.names[i]);
  }
  return body;
}

}  // namespace

std::string to_svg(const BarChart& chart) {
  double largest = 0;
  for (const BarSeries& series : chart.series)
    if (series.values.size() != chart.names.size()) throw ConfigError("bar chart: series '" + series.name + "' does not have one value per bar");
  if (!chart.notes.empty() && chart.notes.size() != chart.names.size()) throw ConfigError("bar chart: there is not one note per bar");
  for (std::size_t i = 0; i < chart.names.size(); ++i) largest = std::max(largest, sum_at(chart, i));
  const double height = kHead + (chart.standing ? kStanding + kFoot : static_cast<double>(chart.names.size()) * (kBar + kGap) + 10);
  std::string svg =
      printed("<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%.0f\" viewBox=\"0 0 %d %.0f\" font-family=\"Helvetica, Arial, sans-serif\">\n",
              chart.width, height, chart.width, height);
  svg += text_at(20, 24, "start", 15, chart.title);
  if (chart.names.empty() || chart.series.empty()) return svg + text_at(chart.width / 2.0, 40, "middle", 13, "no data") + "</svg>\n";
  return svg + legend(chart) + (chart.standing ? standing(chart, largest) : lying(chart, largest)) + "</svg>\n";
}

}  // namespace phidias::report
