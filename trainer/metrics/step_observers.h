// Makes the report of a step (rates, memory, time left) and hands it to every observer; without observers (ranks but 0) it does nothing.
#pragma once

#include "trainer/metrics/observer.h"
#include "trainer/metrics/utilisation.h"
#include "trainer/step_source.h"
#include "trainer/stop.h"
#include "trainer/stopwatch.h"

namespace phidias::trainer {

class StepObservers {
 public:
  StepObservers(Observers observers, const StopCondition& stop, Utilisation utilisation, std::int64_t sliding_window, at::Device device);
  void after_first_evaluation(const TrainState& state);
  void after_step(const TrainState& state, const StepData& step, const StepResult& result);

 private:
  double seconds_left(const TrainState& state);

  Observers observers_;
  const StopCondition& stop_;
  Utilisation utilisation_;
  std::int64_t sliding_window_;
  at::Device device_;
  Stopwatch since_start_;
  double first_fraction_ = -1;
};

// Peak memory of this process in bytes: allocated on the GPU, or the resident set.
std::int64_t peak_memory_bytes(at::Device device);

}  // namespace phidias::trainer
