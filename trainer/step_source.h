// A step's data with the position behind it; the next step is packed by another thread while the ranks compute.
#pragma once

#include <cstdint>

#include "data/batch_source.h"
#include "data/prefetch.h"

namespace phidias::trainer {

struct StepData {
  data::GlobalBatch batch;
  data::DataPosition after;  // the position behind this step
  double epochs_after = 0;
  double wait_seconds = 0;  // how long the ranks waited for it
};

class StepSource {
 public:
  // `batches` outlives the source.
  explicit StepSource(data::BatchSource& batches) : batches_(batches), prefetcher_(batches) {}
  StepData at(std::int64_t step);

 private:
  data::BatchSource& batches_;
  data::Prefetcher prefetcher_;
};

}  // namespace phidias::trainer
