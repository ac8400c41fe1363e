// classifier.json: what stands beside a model that `phidias data train-classifier` made, so that prediction does what training did.
#pragma once

#include <array>
#include <filesystem>
#include <string>
#include <vector>

#include "base/json_fwd.h"
#include "configs/enum_names.h"
#include "data/pipeline/classify/fasttext_classifier.h"
#include "data/pipeline/classify/isotonic.h"
#include "data/pipeline/classify/text_preparation.h"

namespace phidias::data::pipeline {

// How probabilities become one score: that of a label; the mean of labels that are numbers, weighted by their probabilities (0 to 5 for a model of
// educational levels); or that of the best label.
enum class ScoreKind { automatic, label, expected, best };

struct ClassifierDescription {
  ScoreKind score = ScoreKind::automatic;
  std::string label;  // with ScoreKind::label
  TextPreparation preparation;
  IsotonicTable calibration;
};

// Members "score", "label", "preparation", "calibration"; others are for people. Throws DataError naming the file.
ClassifierDescription read_classifier_description(const std::filesystem::path& path);
// Writes these members into `json`.
void describe_classifier(const ClassifierDescription& description, OrderedJson& json);

// One number from probabilities.
class ScoreRule {
 public:
  // automatic: the label's when one was asked for, else `expected` when every label is a number, else `best`. Throws ConfigError where kind, label and the
  // model's labels do not fit.
  ScoreRule(ScoreKind kind, const std::string& label, const FastTextClassifier& model);
  double operator()(const float* probabilities) const;
  ScoreKind kind() const { return kind_; }
  const std::string& label() const { return label_; }

 private:
  ScoreKind kind_;
  std::string label_;
  std::size_t index_ = 0;
  std::vector<double> numbers_;
};

// The number that a label is; nothing when it is none.
bool label_number(const std::string& label, double& number);

}  // namespace phidias::data::pipeline

namespace phidias::configs {
template <>
inline constexpr std::array<std::string_view, 4> enum_names<data::pipeline::ScoreKind>{"auto", "label", "expected", "best"};
}
