#include "report/run_report.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <string>
#include <utility>

#include "base/atomic_file.h"
#include "base/error.h"
#include "base/json.h"
#include "report/line_chart.h"
#include "report/page.h"

namespace phidias::report {
namespace {

namespace fs = std::filesystem;

std::vector<Json> read_metrics(const fs::path& path) {
  const std::string text = read_file(path);
  std::vector<Json> records;
  std::size_t begin = 0, line = 0;
  for (std::size_t end = text.find('\n'); end != std::string::npos; end = text.find('\n', begin)) {
    ++line;
    const std::string_view content = std::string_view(text).substr(begin, end - begin);
    begin = end + 1;
    if (content.find_first_not_of(" \t\r") == std::string_view::npos) continue;
    const std::string where = path.string() + ":" + std::to_string(line);
    records.push_back(parse_json(content, where));
    if (!records.back().is_object()) throw DataError(where + ": a record of metrics is a JSON object");
  }
  return records;  // what follows the last newline is a line that was being written
}

// Values of a key over steps; records without it, and null (not a finite number when it was written), are left out.
Series series_of(const std::vector<Json>& records, const std::string& key, const std::string& name) {
  Series series{name, {}, {}};
  for (const Json& record : records) {
    const auto step = record.find("step"), value = record.find(key);
    if (step == record.end() || value == record.end() || !step->is_number() || !value->is_number()) continue;
    series.x.push_back(step->get<double>());
    series.y.push_back(value->get<double>());
  }
  return series;
}

struct Picture {
  std::string file;
  LineChart chart;
};

std::vector<Picture> pictures_of(const std::vector<Json>& records) {
  // Half of the average's weight lies in the last 0.5 % of the run, so that curves of any length are equally calm.
  const double window = std::max(2.0, 0.005 * static_cast<double>(records.size()));
  const double smoothing = records.size() < 20 ? 0 : std::exp2(-1 / window);
  std::vector<Picture> pictures;
  pictures.push_back({"loss.svg", {.title = "Loss", .x_label = "step", .y_label = "nats per target token", .smoothing = smoothing}});
  std::vector<Series>& losses = pictures.back().chart.series;
  losses.push_back(series_of(records, "loss", "training"));
  Series validation = series_of(records, "validation_loss", "validation");
  validation.markers = true;
  if (!validation.x.empty()) losses.push_back(std::move(validation));
  const auto add = [&](const char* key, LineChart chart) {
    chart.series.push_back(series_of(records, key, key));
    if (!chart.series[0].x.empty()) pictures.push_back({std::string(key) + ".svg", std::move(chart)});
  };
  add("learning_rate", {.title = "Learning rate", .x_label = "step", .y_label = "learning rate"});
  add("tokens_per_second", {.title = "Speed", .x_label = "step", .y_label = "tokens per second", .smoothing = smoothing});
  add("grad_norm", {.title = "Gradient norm before clipping", .x_label = "step", .y_label = "norm", .logarithmic_y = true, .smoothing = smoothing});
  return pictures;
}

std::string printed(double value, const char* format = "%.4g") {
  char text[64];
  std::snprintf(text, sizeof(text), format, value);
  return text;
}

// What a reader asks first of a run.
std::string summary_table(const std::vector<Json>& records) {
  const Series loss = series_of(records, "loss", ""), validation = series_of(records, "validation_loss", "");
  const Series speed = series_of(records, "tokens_per_second", ""), tokens = series_of(records, "tokens", "");
  std::string rows = table_row({"records of metrics", std::to_string(records.size())});
  if (!loss.x.empty()) {
    rows += table_row({"last step", printed(loss.x.back(), "%.0f")});
    rows += table_row({"training loss, first and last", printed(loss.y.front()) + ", " + printed(loss.y.back())});
  }
  if (!validation.x.empty()) {
    const auto best = std::min_element(validation.y.begin(), validation.y.end());
    rows += table_row({"validation loss, last", printed(validation.y.back())});
    rows += table_row(
        {"validation loss, best", printed(*best) + " at step " + printed(validation.x[static_cast<std::size_t>(best - validation.y.begin())], "%.0f")});
  }
  if (!speed.y.empty()) {
    std::vector<double> sorted = speed.y;
    std::nth_element(sorted.begin(), sorted.begin() + static_cast<std::ptrdiff_t>(sorted.size() / 2), sorted.end());
    rows += table_row({"tokens per second, median", printed(sorted[sorted.size() / 2], "%.0f")});
  }
  return "<table>\n" + rows + "</table>\n";
}

std::string run_name(const fs::path& run_directory) {
  fs::path path = fs::absolute(run_directory).lexically_normal();
  if (!path.has_filename()) path = path.parent_path();  // "runs/mine/"
  return path.filename().string();
}

}  // namespace

std::vector<fs::path> write_run_report(const fs::path& run_directory) {
  const fs::path metrics = run_directory / "metrics.jsonl";
  if (!fs::exists(run_directory)) throw DataError(run_directory.string() + ": no such folder");
  if (!fs::exists(metrics)) throw DataError(run_directory.string() + " is no run directory: it has no metrics.jsonl");
  const std::vector<Json> records = read_metrics(metrics);
  const fs::path folder = run_directory / "report";
  std::error_code error;
  fs::create_directories(folder, error);
  if (error) throw DataError("cannot make the folder " + folder.string() + ": " + error.message());

  std::string page = page_start(run_name(run_directory)) + summary_table(records);
  std::vector<fs::path> written = {folder / "index.html"};
  for (const Picture& picture : pictures_of(records)) {
    const std::string svg = to_svg(picture.chart);
    write_file_atomic(folder / picture.file, svg);
    written.push_back(folder / picture.file);
    page += svg;
  }
  if (fs::exists(run_directory / "config.yaml")) {
    page += "<details><summary>Configuration</summary><pre>" + escape_markup(read_file(run_directory / "config.yaml")) + "</pre></details>\n";
  }
  write_file_atomic(written[0], page + page_end());
  return written;
}

}  // namespace phidias::report
