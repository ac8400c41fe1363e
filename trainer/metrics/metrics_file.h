// metrics.jsonl: one JSON object per step, in the order written (docs: "A run directory").
//
//   {"step":12,"loss":3.21,"learning_rate":1e-4,"grad_norm":0.9,"tokens":4096,"target_tokens":3100,"documents":32,"epoch":0.1,...,"seconds":{...}}
//
// `step` counts finished steps, so the line of step s belongs to checkpoint step-s. tokens, target_tokens and documents are the step's. A
// skipped step has "skipped": true and null for what is not finite. Evaluations add validation_loss, validation_perplexity,
// validation_target_tokens and the same with "/<file>"; one before training stands on a line of its own with step 0.
#pragma once

#include <filesystem>
#include <fstream>

#include "trainer/metrics/observer.h"

namespace phidias::trainer {

class MetricsFile : public Observer {
 public:
  // Appends; flushed after every line. Throws DataError when the file cannot be opened.
  explicit MetricsFile(const std::filesystem::path& path);
  void after_step(const StepReport& report) override;
  void after_first_evaluation(const TrainState& state) override;

 private:
  std::filesystem::path path_;
  std::ofstream file_;
};

// Keeps the lines up to and including `step` (a half-written last line goes); nothing happens when there is no file. Throws DataError.
void cut_metrics_back(const std::filesystem::path& path, std::int64_t step);

}  // namespace phidias::trainer
