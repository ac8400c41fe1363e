// How a step moves the run forward: the schedule's point before it, the state after it.
#pragma once

#include "trainer/engine/engine.h"
#include "trainer/schedule.h"
#include "trainer/step_source.h"
#include "trainer/train_state.h"

namespace phidias::trainer {

// Where the schedule stands for the step that `step` holds the data of.
SchedulePoint point_of(const Schedule& schedule, const TrainState& state, const StepData& step);
// Counts the step as done.
void advance(TrainState& state, const Schedule& schedule, const StepData& step, const StepResult& result);

}  // namespace phidias::trainer
