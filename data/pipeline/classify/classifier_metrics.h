// How good a classifier is on texts that it was not trained on.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/json_fwd.h"

namespace phidias::data::pipeline {

// A held-out text: its label, the model's best label, and its score against what counts as good.
struct Judged {
  std::size_t label = 0, predicted = 0;
  double score = 0, target = 0;  // target: of the score, 1 or 0, or the label's number
  bool positive = false;
};

struct LabelMetrics {
  std::string label;
  std::int64_t texts = 0;
  double precision = 0, recall = 0, f1 = 0;
};

struct ThresholdMetrics {
  double threshold = 0, kept = 0, precision = 0, recall = 0;  // kept: share of all texts with score >= threshold
};

struct ClassifierMetrics {
  std::int64_t texts = 0;
  double accuracy = 0;
  std::optional<double> auc;       // of the score: a good text above one that is not, equal ones count half; nothing where one kind is missing
  double mean_absolute_error = 0;  // of the score against its target
  std::vector<LabelMetrics> labels;
  std::vector<std::vector<std::int64_t>> confusion;  // [label][predicted]
  std::vector<ThresholdMetrics> thresholds;          // the 9 deciles of the scores
};

// Labels that only training texts have get a row of zeros. has_positive_label: what is good lies in the labels, so that there is an AUC; with the score of the
// best label, `positive` says no more than that the model was right.
ClassifierMetrics judge(const std::vector<Judged>& texts, const std::vector<std::string>& labels, bool has_positive_label = true);
OrderedJson to_json(const ClassifierMetrics& metrics);
// A few lines for people.
std::string to_text(const ClassifierMetrics& metrics);

}  // namespace phidias::data::pipeline
