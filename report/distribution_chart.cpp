#include "report/distribution_chart.h"

#include <cmath>
#include <cstdio>

#include "base/json.h"

namespace phidias::report {
namespace {

constexpr int kLinear = 100, kPerOctave = 8, kMostBars = 120;

// The place in the grid of the bin that begins at `low`; 0: the one at -1.
int bin_at(double low) {
  if (low < -1) return -static_cast<int>(std::lround(std::log2(-low) * kPerOctave));
  if (low < 1) return static_cast<int>(std::lround((low + 1) * kLinear / 2));
  return kLinear + static_cast<int>(std::lround(std::log2(low) * kPerOctave));
}

double low_of(int bin) {
  if (bin < 0) return -std::exp2(static_cast<double>(-bin) / kPerOctave);
  if (bin < kLinear) return (bin - kLinear / 2) / (kLinear / 2.0);
  return std::exp2(static_cast<double>(bin - kLinear) / kPerOctave);
}

std::string printed(double value) {
  char text[64];
  std::snprintf(text, sizeof text, "%.4g", value);
  return text;
}

}  // namespace

BarChart distribution_chart(const std::string& name, const Json& distribution) {
  const auto number = [&](const char* key) { return printed(distribution.at(key).get<double>()); };
  BarChart chart{.title = name + ": mean " + number("mean") + ", deviation " + number("deviation") + ", from " + number("minimum") + " to " + number("maximum"),
                 .series = {{"kept", {}}, {"dropped", {}}},
                 .standing = true};
  const Json& bins = distribution.at("bins");
  if (bins.empty()) return chart;
  const int first = bin_at(bins.front().at(0).get<double>()), last = bin_at(bins.back().at(0).get<double>());
  const int bins_per_bar = (last - first) / kMostBars + 1, bars = (last - first) / bins_per_bar + 1;
  for (int bar = 0; bar < bars; ++bar) chart.names.push_back(printed(low_of(first + bar * bins_per_bar)));
  for (BarSeries& series : chart.series) series.values.resize(static_cast<std::size_t>(bars));
  for (const Json& bin : bins) {
    const auto bar = static_cast<std::size_t>((bin_at(bin.at(0).get<double>()) - first) / bins_per_bar);
    chart.series[0].values.at(bar) += bin.at(2).get<double>();
    chart.series[1].values.at(bar) += bin.at(3).get<double>();
  }
  return chart;
}

}  // namespace phidias::report
