// Settings of `phidias data train-classifier`: labelled texts to a fastText model.
//
//   TrainClassifierConfig config = read_train_classifier_config("educational.yaml", {"output=runs/educational"});
//   TrainedClassifier trained = train_classifier(config);        // data/pipeline/classify/train_classifier.h
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "configs/enum_names.h"
#include "configs/run_config.h"
#include "data/pipeline/classify/classifier_description.h"

namespace phidias::data::pipeline {

enum class TrainingLoss { softmax, one_versus_all, hierarchical_softmax, negative_sampling };

struct LabelledSource {
  std::string path, text_field = "text", label_field = "label";
};

struct QuantiseSection {
  bool enabled = false;
  std::int64_t keep_rows = 0;
  bool retrain = false;
  bool norms = true;
  std::int64_t part = 2;
};

struct TrainClassifierConfig {
  std::string output;
  std::vector<LabelledSource> input;
  configs::OnError on_error = configs::OnError::stop;
  std::vector<double> bins;
  std::vector<std::string> bin_names;
  TextPreparation preparation;
  double learning_rate = 0.1;
  std::int64_t epochs = 5, dimension = 100, word_ngrams = 2, shortest_ngram = 0, longest_ngram = 0, bucket = 2'000'000, minimum_count = 1, negatives = 5;
  TrainingLoss loss = TrainingLoss::softmax;
  std::int64_t threads = 1, seed = 0;
  QuantiseSection quantise;
  double validation = 0.1;
  ScoreKind score = ScoreKind::automatic;
  std::string label;
  bool calibrate = true;
  std::optional<double> positive_from;
};

// Throw ConfigError with every mistake.
TrainClassifierConfig read_train_classifier_config(const std::string& path, const std::vector<std::string>& overrides);
TrainClassifierConfig parse_train_classifier_config(const std::string& text, const std::string& path, const std::vector<std::string>& overrides);
// All settings, as YAML that reads back.
std::string dump_train_classifier_config(const TrainClassifierConfig& config);
// Rows of a table of the keys.
std::string train_classifier_reference();

}  // namespace phidias::data::pipeline

namespace phidias::configs {
template <>
inline constexpr std::array<std::string_view, 4> enum_names<data::pipeline::TrainingLoss>{"softmax", "one_versus_all", "hierarchical_softmax",
                                                                                          "negative_sampling"};
}
