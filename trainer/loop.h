// The training loop of every method but PPO: data, gradients, step, evaluation, checkpoint, until a stop condition or a signal.
#pragma once

#include "trainer/agreement.h"
#include "trainer/checkpoint/checkpoints.h"
#include "trainer/divergence.h"
#include "trainer/engine/engine.h"
#include "trainer/evaluation/evaluation.h"
#include "trainer/metrics/step_observers.h"
#include "trainer/objectives/objective.h"
#include "trainer/progress.h"
#include "trainer/schedule.h"
#include "trainer/step_source.h"
#include "trainer/stop.h"

namespace phidias::trainer {

// Everything a loop uses; borrowed, all collective parts over the same ranks.
struct LoopParts {
  StepSource& data;
  Engine& engine;
  Objective& objective;
  const Schedule& schedule;
  const StopCondition& stop;
  Evaluation& evaluation;
  Checkpoints& checkpoints;
  DivergenceGuard& divergence;
  StepObservers& observers;
  StopSignals& signals;
};

// Collective. Returns 0 when the run is finished, or the signal that stopped it; the state of the last step is saved in either case.
int run_loop(const LoopParts& run, TrainState& state);

}  // namespace phidias::trainer
