#include "report/line_chart.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <limits>

#include "base/error.h"
#include "report/axis.h"

namespace phidias::report {
namespace {

// Okabe and Ito's colours: told apart by every kind of colour vision.
constexpr const char* kColors[] = {"#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#000000"};
constexpr int kLeft = 74, kRight = 22, kTop = 44, kBottom = 52;  // margins around the plot
constexpr std::size_t kColumns = 600;                            // points beyond two per column of pixels cannot be seen

struct Point {
  double x, y;
};

std::string number(double value) {
  char text[32];
  std::snprintf(text, sizeof(text), "%.1f", value);
  return text;
}

std::vector<Point> drawable(const Series& series, bool logarithmic) {
  if (series.x.size() != series.y.size()) throw ConfigError("chart series \"" + series.name + "\": x and y differ in length");
  std::vector<Point> points;
  for (std::size_t i = 0; i < series.x.size(); ++i) {
    if (std::isfinite(series.x[i]) && std::isfinite(series.y[i]) && (!logarithmic || series.y[i] > 0)) points.push_back({series.x[i], series.y[i]});
  }
  return points;
}

// Lowest and highest point of each column, in order: peaks survive.
std::vector<Point> thinned(const std::vector<Point>& points) {
  if (points.size() <= 2 * kColumns) return points;
  const double begin = points.front().x, span = points.back().x - begin;
  const auto column = [&](const Point& point) { return std::min(kColumns - 1, static_cast<std::size_t>((point.x - begin) / span * kColumns)); };
  std::vector<Point> result;
  for (std::size_t first = 0, next = 0; first < points.size(); first = next) {
    std::size_t low = first, high = first;
    for (next = first; next < points.size() && column(points[next]) == column(points[first]); ++next) {
      if (points[next].y < points[low].y) low = next;
      if (points[next].y > points[high].y) high = next;
    }
    result.push_back(points[std::min(low, high)]);
    if (low != high) result.push_back(points[std::max(low, high)]);
  }
  return result;
}

std::vector<Point> smoothed(const std::vector<Point>& points, double weight) {
  std::vector<double> values;
  for (const Point& point : points) values.push_back(point.y);
  values = smooth(values, weight);
  std::vector<Point> result = points;
  for (std::size_t i = 0; i < result.size(); ++i) result[i].y = values[i];
  return result;
}

// Draws into the text of one document.
class Drawing {
 public:
  Drawing(const LineChart& chart, const Axis& x, const Axis& y) : chart_(chart), x_(x), y_(y) {
    const std::string size = std::to_string(chart.width) + "\" height=\"" + std::to_string(chart.height);
    svg_ = "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"" + size + "\" viewBox=\"0 0 " + std::to_string(chart.width) + " " +
           std::to_string(chart.height) + "\" font-family=\"Helvetica, Arial, sans-serif\" font-size=\"12\" fill=\"#333\">\n<rect width=\"" + size +
           "\" fill=\"#fff\"/>\n";
    text(chart.width / 2.0, 24, chart.title, "middle", " font-size=\"15\" font-weight=\"bold\"");
    text(kLeft + plot_width() / 2, chart.height - 12, chart.x_label, "middle");
    text(18, kTop + plot_height() / 2, chart.y_label, "middle", " transform=\"rotate(-90 18 " + number(kTop + plot_height() / 2) + ")\"");
  }

  void axes() {
    for (const Tick& tick : y_.ticks()) {
      line(kLeft, pixel_y(tick.value), kLeft + plot_width(), pixel_y(tick.value), "#e3e3e3");
      text(kLeft - 8, pixel_y(tick.value) + 4, tick.text, "end");
    }
    for (const Tick& tick : x_.ticks()) {
      line(pixel_x(tick.value), kTop, pixel_x(tick.value), kTop + plot_height(), "#f0f0f0");
      line(pixel_x(tick.value), kTop + plot_height(), pixel_x(tick.value), kTop + plot_height() + 5, "#777");
      text(pixel_x(tick.value), kTop + plot_height() + 19, tick.text, "middle");
    }
    line(kLeft, kTop, kLeft, kTop + plot_height(), "#777");
    line(kLeft, kTop + plot_height(), kLeft + plot_width(), kTop + plot_height(), "#777");
  }

  void polyline(const std::vector<Point>& points, const char* color, double width, double opacity) {
    svg_ += std::string("<polyline fill=\"none\" stroke=\"") + color + "\" stroke-width=\"" + number(width) + "\" stroke-opacity=\"" + number(opacity) +
            "\" stroke-linejoin=\"round\" points=\"";
    for (const Point& point : points) svg_ += number(pixel_x(point.x)) + "," + number(pixel_y(point.y)) + " ";
    svg_ += "\"/>\n";
  }

  void dots(const std::vector<Point>& points, const char* color) {
    for (const Point& point : points) {
      svg_ += "<circle r=\"3\" cx=\"" + number(pixel_x(point.x)) + "\" cy=\"" + number(pixel_y(point.y)) + "\" fill=\"" + color + "\"/>\n";
    }
  }

  void legend() {
    std::size_t longest = 0;
    for (const Series& series : chart_.series) longest = std::max(longest, series.name.size());
    const double width = 40 + 7.0 * static_cast<double>(longest), left = chart_.width - kRight - width - 6;
    double y = kTop + 18;
    svg_ += "<rect x=\"" + number(left) + "\" y=\"" + number(kTop + 4) + "\" width=\"" + number(width) + "\" height=\"" +
            number(10 + 18.0 * static_cast<double>(chart_.series.size())) + "\" fill=\"#fff\" fill-opacity=\"0.85\" stroke=\"#ddd\"/>\n";
    for (std::size_t i = 0; i < chart_.series.size(); ++i, y += 18) {
      line(left + 8, y, left + 28, y, kColors[i % std::size(kColors)], 2.5);
      text(left + 34, y + 4, chart_.series[i].name, "start");
    }
  }

  void no_data() { text(kLeft + plot_width() / 2, kTop + plot_height() / 2, "no data", "middle", " fill=\"#999\""); }
  std::string finish() { return std::move(svg_) + "</svg>\n"; }

 private:
  double plot_width() const { return chart_.width - kLeft - kRight; }
  double plot_height() const { return chart_.height - kTop - kBottom; }
  double pixel_x(double value) const { return kLeft + x_.position(value) * plot_width(); }
  double pixel_y(double value) const { return kTop + (1 - y_.position(value)) * plot_height(); }

  void line(double x1, double y1, double x2, double y2, const char* color, double width = 1) {
    svg_ += "<line x1=\"" + number(x1) + "\" y1=\"" + number(y1) + "\" x2=\"" + number(x2) + "\" y2=\"" + number(y2) + "\" stroke=\"" + color +
            "\" stroke-width=\"" + number(width) + "\"/>\n";
  }
  void text(double x, double y, const std::string& content, const char* anchor, const std::string& attributes = "") {
    svg_ += "<text x=\"" + number(x) + "\" y=\"" + number(y) + "\" text-anchor=\"" + anchor + "\"" + attributes + ">" + escape_markup(content) + "</text>\n";
  }

  const LineChart& chart_;
  const Axis &x_, &y_;
  std::string svg_;
};

}  // namespace

std::string escape_markup(const std::string& text) {
  std::string result;
  for (const char c : text) {
    switch (c) {
      case '&':
        result += "&amp;";
        break;
      case '<':
        result += "&lt;";
        break;
      case '>':
        result += "&gt;";
        break;
      case '"':
        result += "&quot;";
        break;
      default:
        result += c;
    }
  }
  return result;
}

std::vector<double> smooth(const std::vector<double>& values, double weight) {
  std::vector<double> result;
  double average = 0, norm = 0;
  for (const double value : values) {
    average = weight * average + (1 - weight) * value;
    norm = weight * norm + (1 - weight);
    result.push_back(average / norm);
  }
  return result;
}

std::string to_svg(const LineChart& chart) {
  std::vector<std::vector<Point>> lines;
  Point low{std::numeric_limits<double>::infinity(), std::numeric_limits<double>::infinity()}, high{-low.x, -low.y};
  for (const Series& series : chart.series) {
    for (const Point& point : lines.emplace_back(drawable(series, chart.logarithmic_y))) {
      low = {std::min(low.x, point.x), std::min(low.y, point.y)};
      high = {std::max(high.x, point.x), std::max(high.y, point.y)};
    }
  }
  const bool empty = low.x > high.x;
  const Axis x = empty ? Axis(0, 1, false, 8) : Axis(low.x, high.x, false, 8, chart.whole_x ? 1 : 0);
  const Axis y = empty ? Axis(0, 1, false, 6) : Axis(low.y, high.y, chart.logarithmic_y, 6);
  Drawing drawing(chart, x, y);
  drawing.axes();
  if (empty) drawing.no_data();
  for (std::size_t i = 0; i < lines.size(); ++i) {
    if (lines[i].empty()) continue;
    const char* color = kColors[i % std::size(kColors)];
    const bool averaged = chart.smoothing > 0 && !chart.series[i].markers && lines[i].size() > 2;
    drawing.polyline(thinned(lines[i]), color, averaged ? 1.0 : 1.8, averaged ? 0.3 : 1.0);
    if (averaged) drawing.polyline(thinned(smoothed(lines[i], chart.smoothing)), color, 2.0, 1.0);
    if (chart.series[i].markers || lines[i].size() == 1) drawing.dots(lines[i], color);
  }
  if (chart.series.size() > 1) drawing.legend();
  return drawing.finish();
}

}  // namespace phidias::report
