// Passive sinks of what a run does: the metrics file, the console, TensorBoard. They live on rank 0 alone; other ranks hold an empty list.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "trainer/engine/engine.h"
#include "trainer/train_state.h"

namespace phidias::trainer {

struct StepReport {
  const TrainState* state = nullptr;  // after the step
  StepResult result;
  std::int64_t tokens = 0, target_tokens = 0, documents = 0;  // of the step, over all ranks
  double tokens_per_second = 0;
  double mfu = 0;                 // 0..1; 0 when the peak is not known
  std::int64_t memory_bytes = 0;  // peak so far: resident set, or allocated on the GPU
  double seconds_left = -1;       // -1: not known yet
};

class Observer {
 public:
  virtual ~Observer() = default;
  virtual void after_step(const StepReport& report) = 0;
  // An evaluation before the first step; later ones are in TrainState::validation of their step's report.
  virtual void after_first_evaluation(const TrainState& state) = 0;
};

using Observers = std::vector<std::unique_ptr<Observer>>;

}  // namespace phidias::trainer
