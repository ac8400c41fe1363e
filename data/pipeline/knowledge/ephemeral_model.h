// Two scores of a passage between 0 and 5, from its features: durability (still true and useful in ten years?) and teaching (does a reader learn to reason or
// understand something from it?).
//
// score = 5 / (1 + exp(-(bias + sum of weight * feature))). Trained by train_ephemeral_model (scripts/train_ephemeral_model.cpp) from
// recipes/data/labels/ephemeral.jsonl: least cross-entropy to label / 5 with a penalty on squared weights, by Newton's method.
// File: one line per feature, "name durability teaching", after a line "bias ...".
#pragma once

#include <array>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "data/pipeline/knowledge/ephemeral_features.h"

namespace phidias::data::pipeline {

struct EphemeralScores {
  double durability = 0, teaching = 0;
};

struct EphemeralModel {
  using Weights = std::array<double, kEphemeralFeatures + 1>;  // the last is the bias
  Weights durability{}, teaching{};

  // The weights that the program carries.
  static const EphemeralModel& built_in();
  // Throws DataError when the text is no such file.
  static EphemeralModel parse(std::string_view text, const std::string& name);
  std::string text() const;
  EphemeralScores score(const EphemeralFeatures& features) const;
};

struct LabelledPassage {
  std::string text, topic, template_name;  // template: empty for a passage that stands alone
  double durability = 0, teaching = 0;     // 0 to 5
};

// Lines {"text": ..., "durability": 0-5, "teaching": 0-5, "topic": ..., "template": ...}. Throws DataError with file and line.
std::vector<LabelledPassage> read_labelled_passages(const std::string& path);

// Deterministic.
EphemeralModel train_ephemeral_model(std::span<const LabelledPassage> passages, double penalty = 0.3);

}  // namespace phidias::data::pipeline
