// When a run ends by itself: the first of stop.steps, stop.epochs, stop.tokens, stop.time that is reached.
//
// All of it is decided from TrainState, which every rank holds alike (its seconds are agreed, see agreement.h).
#pragma once

#include <optional>

#include "configs/run_config.h"
#include "trainer/train_state.h"

namespace phidias::trainer {

class StopCondition {
 public:
  // `max_steps` bounds the run besides (a dry run).
  StopCondition(const configs::StopSection& stop, std::optional<std::int64_t> max_steps);
  bool reached(const TrainState& state) const;
  // Part of the run that is done, in [0, 1]: the furthest of the conditions.
  double fraction(const TrainState& state) const;
  // The number of steps where it is known beforehand, else 0.
  std::int64_t known_steps() const;

 private:
  configs::StopSection stop_;
};

}  // namespace phidias::trainer
