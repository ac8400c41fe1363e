// A step's data with the position behind it; the next step is packed by another thread while the ranks compute.
#pragma once

#include <cstdint>

#include "data/prefetch.h"
#include "data/sampler.h"

namespace phidias::trainer {

struct StepData {
  data::GlobalBatch batch;
  data::DataPosition after;  // the position behind this step
  double epochs_after = 0;
  double wait_seconds = 0;  // how long the ranks waited for it
};

class StepSource {
 public:
  // `sampler` outlives the source.
  explicit StepSource(data::Sampler& sampler) : sampler_(sampler), prefetcher_(sampler) {}
  StepData at(std::int64_t step);

 private:
  data::Sampler& sampler_;
  data::Prefetcher prefetcher_;
};

}  // namespace phidias::trainer
