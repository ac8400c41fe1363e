// Labelled texts from JSON lines, in the order of the files.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "data/pipeline/classify/train_classifier_config.h"

namespace phidias::data::pipeline {

struct LabelledCounts {
  std::int64_t texts = 0, skipped = 0;
  std::string first_skipped;
};

// Calls visit(text, label) for each line: the label as text, numbers cut into the configuration's classes. Throws DataError naming file and line, or counts
// the line when config.on_error says skip: no JSON object, no text, no label, a label that is no number where classes are asked for or holds white space.
LabelledCounts read_labelled_texts(const TrainClassifierConfig& config, const std::function<void(std::string_view text, const std::string& label)>& visit);

}  // namespace phidias::data::pipeline
