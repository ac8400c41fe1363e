#include "data/pipeline/classify/classifier_metrics.h"

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "base/json.h"

namespace phidias::data::pipeline {
namespace {

double ratio(double part, double whole) { return whole > 0 ? part / whole : 0; }

// Rank sum of the good texts, ranks of equal scores averaged (Mann and Whitney).
std::optional<double> area_under_curve(std::vector<Judged> texts) {
  std::sort(texts.begin(), texts.end(), [](const Judged& a, const Judged& b) { return a.score < b.score; });
  double ranks = 0, positives = 0;
  for (std::size_t i = 0; i < texts.size();) {
    std::size_t end = i, good = 0;
    for (; end < texts.size() && texts[end].score == texts[i].score; ++end) good += texts[end].positive;
    ranks += static_cast<double>(good) * (static_cast<double>(i + end + 1) / 2);
    positives += static_cast<double>(good);
    i = end;
  }
  const double negatives = static_cast<double>(texts.size()) - positives;
  if (positives == 0 || negatives == 0) return std::nullopt;
  return (ranks - positives * (positives + 1) / 2) / (positives * negatives);
}

std::vector<ThresholdMetrics> at_deciles(const std::vector<Judged>& texts) {
  std::vector<ThresholdMetrics> rows;
  std::vector<double> scores;
  double positives = 0;
  for (const Judged& text : texts) scores.push_back(text.score), positives += text.positive;
  std::sort(scores.begin(), scores.end());
  for (std::size_t decile = 1; decile < 10 && !scores.empty(); ++decile) {
    ThresholdMetrics row{.threshold = scores[scores.size() * decile / 10]};
    double kept = 0, good = 0;
    for (const Judged& text : texts)
      if (text.score >= row.threshold) ++kept, good += text.positive;
    row.kept = ratio(kept, static_cast<double>(texts.size()));
    row.precision = ratio(good, kept);
    row.recall = ratio(good, positives);
    rows.push_back(row);
  }
  return rows;
}

std::string line(const char* format, auto... values) {
  char text[256];
  std::snprintf(text, sizeof text, format, values...);
  return text;
}

}  // namespace

ClassifierMetrics judge(const std::vector<Judged>& texts, const std::vector<std::string>& labels, bool has_positive_label) {
  ClassifierMetrics metrics{.texts = static_cast<std::int64_t>(texts.size())};
  metrics.confusion.assign(labels.size(), std::vector<std::int64_t>(labels.size()));
  double right = 0, error = 0;
  for (const Judged& text : texts) {
    ++metrics.confusion[text.label][text.predicted];
    right += text.label == text.predicted;
    error += std::abs(text.score - text.target);
  }
  metrics.accuracy = ratio(right, static_cast<double>(texts.size()));
  metrics.mean_absolute_error = ratio(error, static_cast<double>(texts.size()));
  for (std::size_t i = 0; i < labels.size(); ++i) {
    LabelMetrics row{.label = labels[i]};
    std::int64_t predicted = 0;
    for (std::size_t j = 0; j < labels.size(); ++j) row.texts += metrics.confusion[i][j], predicted += metrics.confusion[j][i];
    const auto hits = static_cast<double>(metrics.confusion[i][i]);
    row.precision = ratio(hits, static_cast<double>(predicted));
    row.recall = ratio(hits, static_cast<double>(row.texts));
    row.f1 = ratio(2 * row.precision * row.recall, row.precision + row.recall);
    metrics.labels.push_back(row);
  }
  if (has_positive_label) metrics.auc = area_under_curve(texts);
  metrics.thresholds = at_deciles(texts);
  return metrics;
}

OrderedJson to_json(const ClassifierMetrics& metrics) {
  OrderedJson json{{"texts", metrics.texts}, {"accuracy", metrics.accuracy}, {"auc", nullptr}, {"mean_absolute_error", metrics.mean_absolute_error}};
  if (metrics.auc) json["auc"] = *metrics.auc;
  json["labels"] = OrderedJson::array();
  for (const LabelMetrics& row : metrics.labels)
    json["labels"].push_back({{"label", row.label}, {"texts", row.texts}, {"precision", row.precision}, {"recall", row.recall}, {"f1", row.f1}});
  json["confusion"] = metrics.confusion;
  json["thresholds"] = OrderedJson::array();
  for (const ThresholdMetrics& row : metrics.thresholds)
    json["thresholds"].push_back({{"threshold", row.threshold}, {"kept", row.kept}, {"precision", row.precision}, {"recall", row.recall}});
  return json;
}

std::string to_text(const ClassifierMetrics& metrics) {
  std::string text = line("held-out texts %lld, accuracy %.3f, ", static_cast<long long>(metrics.texts), metrics.accuracy);
  if (metrics.auc) text += line("AUC %.3f, ", *metrics.auc);
  text += line("mean absolute error %.3f\n", metrics.mean_absolute_error);
  text += "label             texts  precision  recall  f1     predicted as, in this order\n";
  for (std::size_t i = 0; i < metrics.labels.size(); ++i) {
    const LabelMetrics& row = metrics.labels[i];
    text += line("%-16.40s  %5lld  %9.3f  %6.3f  %5.3f ", row.label.c_str(), static_cast<long long>(row.texts), row.precision, row.recall, row.f1);
    for (std::size_t j = 0; j < std::min<std::size_t>(metrics.labels.size(), 12); ++j) text += line(" %5lld", static_cast<long long>(metrics.confusion[i][j]));
    text += '\n';
  }
  text += "threshold  kept   precision  recall\n";
  for (const ThresholdMetrics& row : metrics.thresholds) text += line("%9.4f  %5.3f  %9.3f  %6.3f\n", row.threshold, row.kept, row.precision, row.recall);
  return text;
}

}  // namespace phidias::data::pipeline
