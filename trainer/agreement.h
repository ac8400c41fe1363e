// What all ranks must see alike after a step: stop signals and the clock. One small collective a step.
#pragma once

#include "base/signals.h"
#include "parallel/communicator.h"
#include "trainer/stopwatch.h"

namespace phidias::trainer {

class StopSignals {
 public:
  StopSignals(const SignalWatch& watch, parallel::Communicator& ranks, double seconds_before) : watch_(watch), ranks_(ranks), seconds_before_(seconds_before) {}

  // Collective. The first signal number any rank received (0: none; the highest where they differ). Sets `seconds` to the agreed training
  // time over all starts.
  int agree(double& seconds) {
    double numbers[] = {static_cast<double>(watch_.received()), seconds_before_ + stopwatch_.seconds()};
    ranks_.all_reduce(numbers, 2, parallel::DataType::float64, parallel::ReduceOp::max);
    seconds = numbers[1];
    return static_cast<int>(numbers[0]);
  }

 private:
  const SignalWatch& watch_;
  parallel::Communicator& ranks_;
  double seconds_before_;
  Stopwatch stopwatch_;
};

}  // namespace phidias::trainer
