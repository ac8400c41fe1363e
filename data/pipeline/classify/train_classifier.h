// Trains a fastText classifier from labelled JSON lines.
//
// Training is fastText's own, in its library: the model is byte for byte what `fasttext supervised` makes of the same lines and settings, and with one
// thread the same input gives the same bytes. With one thread the library fills only the first tenth of the input matrix with random numbers, the most
// frequent words with them; the other rows start at zero (a quirk of fastText 0.9.2 that is kept, so that models are equal).
//
// Writes into config.output: model.bin or model.ftz, classifier.json (labels, settings, hashes of inputs and model, preparation, calibration) and
// metrics.json. Files that were there stay until the new ones are whole.
#pragma once

#include <filesystem>

#include "base/json_fwd.h"
#include "data/pipeline/classify/classifier_metrics.h"
#include "data/pipeline/classify/train_classifier_config.h"

namespace phidias::data::pipeline {

struct TrainedClassifier {
  std::filesystem::path model;  // the file that a pipeline names
  std::string model_hash;
  std::vector<std::string> labels;
  std::int64_t training_texts = 0, held_out_texts = 0, skipped_lines = 0;
  std::string first_skipped;
  ClassifierMetrics metrics;  // of the score before calibration, on the held-out texts
  bool calibrated = false;
};

// Throws DataError (a line, a label, fewer than two labels, numbers that went out of range in training) or ConfigError (settings that do not fit the data).
TrainedClassifier train_classifier(const TrainClassifierConfig& config);
OrderedJson to_json(const TrainedClassifier& trained);

}  // namespace phidias::data::pipeline
