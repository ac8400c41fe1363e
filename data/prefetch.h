// Makes the next step's batch on another thread while the current one runs.
//
//   Prefetcher prefetcher(source);
//   GlobalBatch batch = prefetcher.take(state.step);      // steps in order; another step is made on the spot
#pragma once

#include <cstdint>
#include <future>

#include "data/batch_source.h"

namespace phidias::data {

class Prefetcher {
 public:
  explicit Prefetcher(BatchSource& source) : source_(source) {}
  // The batch of `step`; starts on step + 1. What the source threw while it worked ahead is thrown here, at the step it belongs to.
  GlobalBatch take(std::int64_t step);

 private:
  BatchSource& source_;
  std::int64_t ahead_step_ = -1;
  std::future<GlobalBatch> ahead_;  // waits for its thread when destroyed
};

}  // namespace phidias::data
