#include "report/data_report.h"

#include <algorithm>
#include <cstdio>
#include <string>
#include <vector>

#include "base/atomic_file.h"
#include "base/error.h"
#include "base/json.h"
#include "base/progress.h"
#include "report/bar_chart.h"
#include "report/distribution_chart.h"
#include "report/line_chart.h"
#include "report/page.h"

namespace phidias::report {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kMostDistributions = 60, kMostProblems = 20;

std::string count(const Json& number) { return number.is_null() ? "-" : grouped(number.get<long long>()); }

std::string counted(const Json& number, const std::string& what) { return count(number) + " " + what + (number == 1 ? "" : "s"); }

std::string printed(double value) {
  char text[64];
  std::snprintf(text, sizeof text, "%.4g", value);
  return text;
}

std::string share(double part, double whole) {
  char text[32];
  std::snprintf(text, sizeof text, "%.2f %%", whole > 0 ? 100 * part / whole : 0);
  return text;
}

std::string table(const std::string& rows) { return "<table>\n" + rows + "</table>\n"; }

std::string volumes(const Json& manifest) {
  const Json& documents = manifest.at("documents");
  std::string rows = table_row({"", "documents", "share", "bytes", "tokens"}, true);
  const double read = documents.at("read").at("documents").get<double>();
  for (const char* kind : {"read", "kept", "dropped"}) {
    const Json& volume = documents.at(kind);
    rows += table_row({kind, count(volume.at("documents")), share(volume.at("documents").get<double>(), read), format_bytes(volume.at("bytes").get<double>()),
                       count(volume.at("tokens"))});
  }
  rows += table_row({"could not be read", count(documents.at("failed")), "", "", ""});
  return table(rows);
}

std::string sources(const Json& manifest) {
  std::string rows = table_row({"source", "read", "kept", "share", "bytes kept", "tokens kept", "failed"}, true);
  for (const auto& [name, source] : manifest.at("sources").items()) {
    const Json& kept = source.at("kept");
    rows += table_row({name, count(source.at("read").at("documents")), count(kept.at("documents")),
                       share(kept.at("documents").get<double>(), source.at("read").at("documents").get<double>()), format_bytes(kept.at("bytes").get<double>()),
                       count(kept.at("tokens")), count(source.at("failed"))});
  }
  return table(rows);
}

std::string funnel(const Json& manifest) {
  BarChart chart{.title = "Documents after each stage", .series = {{"left", {}}, {"dropped by it", {}}}};
  double left = manifest.at("documents").at("read").at("documents").get<double>();
  for (const Json& stage : manifest.at("stages")) {
    double dropped = 0;
    for (const Json& rule : stage.at("rules")) dropped += rule.at("documents").get<double>();
    left -= dropped;
    chart.names.push_back(stage.at("name").get<std::string>());
    chart.series[0].values.push_back(left);
    chart.series[1].values.push_back(dropped);
    chart.notes.push_back(grouped(static_cast<long long>(left)) + " left" + (dropped > 0 ? ", " + grouped(static_cast<long long>(dropped)) + " dropped" : ""));
  }
  return to_svg(chart);
}

std::string problems(const Json& manifest) {
  const Json& listed = manifest.at("problems");
  if (listed.empty()) return {};
  std::string rows = table_row({"file", "line", "error"}, true);
  for (std::size_t i = 0; i < std::min(kMostProblems, listed.size()); ++i) {
    const Json& problem = listed[i];
    const auto line = problem.at("line").get<long long>();
    rows += table_row({problem.at("file").get<std::string>(), line > 0 ? std::to_string(line) : "", problem.at("error").get<std::string>()});
  }
  return "<h2>Could not be read</h2>\n<p>The first ones; all of them are in errors.jsonl (of a unit of work the first 1 000, and how many more there were)."
         "</p>\n" +
         table(rows);
}

std::string samples_of(const Json& rule) {
  std::string text;
  for (const Json& sample : rule.at("samples"))
    text += "<p>" + escape_markup(sample.at("source").get<std::string>() + ": " + sample.at("id").get<std::string>()) + "</p><pre>" +
            escape_markup(sample.at("text").get<std::string>()) + "</pre>\n";
  return text;
}

std::string rules(const Json& manifest) {
  std::string text;
  const double read = manifest.at("documents").at("read").at("documents").get<double>();
  for (const Json& stage : manifest.at("stages")) {
    if (stage.at("rules").empty() && stage.at("notes").empty()) continue;
    const std::string name = stage.at("name").get<std::string>();
    text += "<h3>" + escape_markup(name) + "</h3>\n";
    std::string rows, details, notes;
    for (const Json& rule : stage.at("rules")) {
      const std::string rule_name = rule.at("rule").get<std::string>();
      rows += table_row({rule_name, count(rule.at("documents")), share(rule.at("documents").get<double>(), read), format_bytes(rule.at("bytes").get<double>()),
                         count(rule.at("tokens"))});
      if (!rule.at("samples").empty())
        details += "<details><summary>dropped by " + escape_markup(name + "." + rule_name) + "</summary>" + samples_of(rule) + "</details>\n";
    }
    if (!rows.empty()) text += table(table_row({"rule", "documents", "share of read", "bytes", "tokens"}, true) + rows) + details;
    for (const auto& [key, value] : stage.at("notes").items()) notes += table_row({key, value.get<std::string>()});
    if (!notes.empty()) text += "<h4>Notes</h4>\n" + table(notes);
  }
  return text;
}

std::string distributions(const Json& manifest) {
  std::string text;
  std::size_t shown = 0;
  for (const auto& [name, distribution] : manifest.at("distributions").items()) {
    if (distribution.at("bins").size() < 2 || ++shown > kMostDistributions) continue;
    text += to_svg(distribution_chart(name, distribution));
  }
  if (shown > kMostDistributions) text += "<p>" + std::to_string(shown - kMostDistributions) + " more are in manifest.json.</p>\n";
  return text;
}

std::string timing(const Json& manifest) {
  const Json& timing = manifest.at("timing");
  std::string rows = table_row({"stage", "processor seconds", "seconds of comparing", "bytes per second"}, true);
  for (const Json& stage : timing.at("stages")) {
    const std::string comparing = stage.contains("comparing_seconds") ? printed(stage.at("comparing_seconds").get<double>()) : "";
    rows += table_row(
        {stage.at("name").get<std::string>(), printed(stage.at("seconds").get<double>()), comparing, format_bytes(stage.at("bytes_per_second").get<double>())});
  }
  return "<p>" + format_duration(timing.at("seconds").get<double>()) + " on " + counted(timing.at("ranks"), "rank") + " of " +
         counted(timing.at("threads"), "thread") +
         ". Processor seconds are summed up over threads; comparing is measured by the clock, all ranks at it together. Bytes per second: the text that "
         "came in, by the sum of both.</p>\n" +
         table(rows);
}

std::string files(const Json& manifest) {
  std::string rows;
  for (const Json& output : manifest.at("outputs"))
    rows += table_row({output.at("path").get<std::string>(), format_bytes(output.at("bytes").get<double>()), output.at("hash").get<std::string>()});
  return table(rows);
}

std::string details(const std::string& title, const std::string& content) { return "<details><summary>" + title + "</summary>" + content + "</details>\n"; }

}  // namespace

fs::path write_data_report(const fs::path& output) {
  const fs::path path = output / "manifest.json", page = output / "report.html";
  const Json manifest = read_json(path);
  try {
    if (manifest.at("format") != "phidias-pipeline-1") throw DataError(path.string() + ": a manifest of another format");
    const std::string name = manifest.at("name").get<std::string>();
    std::string text = page_start(name) + volumes(manifest) + funnel(manifest) + problems(manifest) + "<h2>Sources</h2>\n" + sources(manifest) +
                       "<h2>Rules</h2>\n" + rules(manifest);
    text +=
        "<h2>Distributions</h2>\n<p>One bar for each 0.02 between -1 and 1, outside eight for each doubling; neighbours together where that would be more "
        "than 120.</p>\n" +
        distributions(manifest) + "<h2>Speed</h2>\n" + timing(manifest);
    text += details("Outputs", files(manifest)) + details("Pipeline", "<pre>" + escape_markup(manifest.at("pipeline").get<std::string>()) + "</pre>");
    write_file_atomic(page, text + page_end());
  } catch (const Json::exception& error) {
    throw DataError(path.string() + ": not the manifest of a pipeline (" + error.what() + ")");
  }
  return page;
}

}  // namespace phidias::report
