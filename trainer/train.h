// One run of a recipe, from configuration to final directory.
//
//   const ExitCode code = train(config, world, signals, {.dry_run = false});
//
// Creates or continues the run directory config.run.output, prepares model, data and engine, runs the loop, writes final/. A finished run
// returns success at once.
#pragma once

#include "base/error.h"
#include "base/signals.h"
#include "configs/run_config.h"
#include "parallel/world.h"

namespace phidias::trainer {

struct TrainOptions {
  bool dry_run = false;  // two steps and a checkpoint in <run.output>/dry-run, which is removed afterwards
  bool quiet = false;    // only warnings and errors in the log and on the terminal; metrics.jsonl has every step all the same
};

// Collective. success; interrupted, terminated or user_signal after a safe save. Throws Error otherwise: DivergedError, DataError, ConfigError ...
ExitCode train(const configs::RunConfig& config, parallel::World& world, const SignalWatch& signals, const TrainOptions& options);

}  // namespace phidias::trainer
