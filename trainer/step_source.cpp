#include "trainer/step_source.h"

#include "trainer/stopwatch.h"

namespace phidias::trainer {

StepData StepSource::at(std::int64_t step) {
  const Stopwatch watch;
  StepData made;
  made.batch = prefetcher_.take(step);
  made.after = batches_.position_after(step);
  made.epochs_after = batches_.epochs_at(made.after);
  made.wait_seconds = watch.seconds();
  return made;
}

}  // namespace phidias::trainer
