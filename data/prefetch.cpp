#include "data/prefetch.h"

#include <utility>

namespace phidias::data {

GlobalBatch Prefetcher::take(std::int64_t step) {
  if (ahead_.valid() && ahead_step_ != step) {  // a jump: let the thread finish and forget its batch
    ahead_.wait();
    ahead_ = {};
  }
  GlobalBatch batch = ahead_.valid() ? ahead_.get() : source_.global_batch(step);
  ahead_step_ = step + 1;
  ahead_ = std::async(std::launch::async, [this, next = step + 1] { return source_.global_batch(next); });
  return batch;
}

}  // namespace phidias::data
