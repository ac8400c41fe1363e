// Makes the next step's batch on another thread while the current one runs.
//
//   Prefetcher prefetcher(sampler);
//   GlobalBatch batch = prefetcher.take(state.step);      // steps in order; another step is made on the spot
#pragma once

#include <cstdint>
#include <future>

#include "data/sampler.h"

namespace phidias::data {

class Prefetcher {
 public:
  explicit Prefetcher(Sampler& sampler) : sampler_(sampler) {}
  // The batch of `step`; starts on step + 1. What the sampler threw while it worked ahead is thrown here, at the step it belongs to.
  GlobalBatch take(std::int64_t step);

 private:
  Sampler& sampler_;
  std::int64_t ahead_step_ = -1;
  std::future<GlobalBatch> ahead_;  // waits for its thread when destroyed
};

}  // namespace phidias::data
