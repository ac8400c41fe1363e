#include "trainer/loop.h"

namespace phidias::trainer {

int run_loop(const LoopParts& run, TrainState& state) {
  const auto& [data, engine, objective, schedule, stop, evaluation, checkpoints, divergence, observers, signals] = run;
  if (evaluation.due_at_start(state)) {
    evaluation.run(engine, objective, state);
    observers.after_first_evaluation(state);
  }
  while (!stop.reached(state)) {
    const StepData step = data.at(state.step);
    for (const data::MicroBatch& micro : step.batch.micro_batches) engine.accumulate(objective, micro, step.batch);
    const StepResult result = engine.step(schedule.at(point_of(schedule, state, step)));  // all ranks agree that it is finite

    advance(state, schedule, step, result);
    const int signal = signals.agree(state.seconds);
    divergence.after_step(state, step.batch, result);
    const bool at_end = stop.reached(state);
    if (evaluation.due(state, at_end)) evaluation.run(engine, objective, state);
    observers.after_step(state, step, result);  // rank 0: metrics file, console, TensorBoard
    if (checkpoints.due(state, at_end) || signal != 0) checkpoints.save(engine, state);
    if (signal != 0 && !at_end) return signal;
  }
  return 0;
}

}  // namespace phidias::trainer
