#include "trainer/progress.h"

namespace phidias::trainer {
namespace {

double consumed_with(const Schedule& schedule, const TrainState& state, const StepData& step) {
  switch (schedule.unit()) {
    case ScheduleUnit::steps:
      return static_cast<double>(state.step + 1);
    case ScheduleUnit::tokens:
      return static_cast<double>(step.after.tokens);
    case ScheduleUnit::epochs:
      return step.epochs_after;
    case ScheduleUnit::time:
      return state.seconds;
  }
  return 0;
}

}  // namespace

SchedulePoint point_of(const Schedule& schedule, const TrainState& state, const StepData& step) {
  return {state.step, consumed_with(schedule, state, step), state.warmup_consumed};
}

void advance(TrainState& state, const Schedule& schedule, const StepData& step, const StepResult& result) {
  if (schedule.warming_up(state.step)) state.warmup_consumed = consumed_with(schedule, state, step);
  ++state.step;
  state.data = step.after;
  state.epochs = step.epochs_after;
  state.target_tokens += step.batch.target_tokens;
  state.expert_counts = result.expert_counts;
}

}  // namespace phidias::trainer
