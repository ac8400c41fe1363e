#include "trainer/metrics/step_observers.h"

#include <sys/resource.h>

#include <algorithm>

#include "kernels/cuda_backend.h"

namespace phidias::trainer {

StepObservers::StepObservers(Observers observers, const StopCondition& stop, Utilisation utilisation, std::int64_t sliding_window, at::Device device)
    : observers_(std::move(observers)), stop_(stop), utilisation_(std::move(utilisation)), sliding_window_(sliding_window), device_(device) {}

void StepObservers::after_first_evaluation(const TrainState& state) {
  for (const auto& observer : observers_) observer->after_first_evaluation(state);
}

// From the part of the run done since the first step of this start.
double StepObservers::seconds_left(const TrainState& state) {
  const double fraction = stop_.fraction(state);
  if (first_fraction_ < 0) {
    first_fraction_ = fraction;
    since_start_.lap();
  }
  const double done = fraction - first_fraction_;
  return done > 0 ? since_start_.seconds() * (1.0 - fraction) / done : (fraction >= 1.0 ? 0.0 : -1.0);
}

void StepObservers::after_step(const TrainState& state, const StepData& step, const StepResult& result) {
  if (observers_.empty()) return;
  StepReport report{
      .state = &state, .result = result, .tokens = step.batch.tokens, .target_tokens = step.batch.target_tokens, .documents = step.batch.documents};
  StepSeconds& seconds = report.result.seconds;
  seconds.data = step.wait_seconds;
  seconds.whole = seconds.data + seconds.forward + seconds.backward + seconds.reduce + seconds.optimizer;
  report.tokens_per_second = static_cast<double>(step.batch.tokens) / std::max(seconds.whole, 1e-9);
  report.mfu = utilisation_.at(report.tokens_per_second, mean_context(step.batch, sliding_window_));
  report.memory_bytes = peak_memory_bytes(device_);
  report.seconds_left = seconds_left(state);
  for (const auto& observer : observers_) observer->after_step(report);
}

std::int64_t peak_memory_bytes(at::Device device) {
  if (device.is_cuda()) return kernels::require_cuda().memory(device.index()).peak_allocated_bytes;
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<std::int64_t>(usage.ru_maxrss) * 1024;  // Linux reports kilobytes
}

}  // namespace phidias::trainer
