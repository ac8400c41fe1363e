// The console line of a step, through the log:
//   step 120/2000  loss 1.8423  lr 9.8e-05  norm 0.74  12,345 tok/s  mfu 41.2 %  1.7 GB  12 min 30 s left
#pragma once

#include <string>

#include "trainer/metrics/observer.h"

namespace phidias::trainer {

class Console : public Observer {
 public:
  // A line every `every_steps`, for every skipped or evaluated step, and where a phase of a mixture begins. `known_steps`: 0 when the end is not counted in
  // steps.
  Console(std::int64_t every_steps, std::int64_t known_steps) : every_steps_(every_steps), known_steps_(known_steps) {}
  void after_step(const StepReport& report) override;
  void after_first_evaluation(const TrainState& state) override;

 private:
  std::int64_t every_steps_, known_steps_;
  std::string phase_;  // of a mixture, as last told
};

}  // namespace phidias::trainer
