// Held-out loss, each validation file alone and all together, the same on any number of ranks.
//
// A file's loss is the sum over its target tokens divided by their number; perplexity is its exponential. Names in TrainState::validation and
// metrics.jsonl: validation_loss, validation_perplexity, validation_target_tokens, and with more than one file the same with "/<file stem>".
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "configs/run_config.h"
#include "data/single_pass.h"
#include "trainer/engine/engine.h"
#include "trainer/train_state.h"

namespace phidias::trainer {

struct ValidationFile {
  std::string name;
  data::SinglePass pass;
};

class Evaluation {
 public:
  Evaluation(std::vector<ValidationFile> files, const configs::EvaluationSection& options) : files_(std::move(files)), options_(options) {}
  bool due_at_start(const TrainState& state) const;
  bool due(const TrainState& state, bool at_end) const;
  // Of the metrics that a checkpoint can be the best by: lower is better.
  std::vector<std::string> names() const;
  // Collective: fills state.validation.
  void run(Engine& engine, Objective& objective, TrainState& state);

 private:
  std::vector<ValidationFile> files_;
  configs::EvaluationSection options_;
};

}  // namespace phidias::trainer
