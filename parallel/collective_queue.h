// Collectives that were started and are carried out later: by wait(), or by the next collective of the communicator, whichever comes first.
//
// For communicators whose library does not progress by itself. Order is kept: every rank carries out the same collectives in the same order.
//
//   const auto turn = queue_.enter();      // first line of every collective: one at a time, after those that were started before it
//   return queue_.defer([=, this] { all_reduce_now(buffer, count, type, op); });
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>

#include "parallel/communicator.h"

namespace phidias::parallel {

class CollectiveQueue {
 public:
  // The caller has the communicator for itself until the lock goes, and nothing is left in the queue. `collective`s must not enter again.
  [[nodiscard]] std::unique_lock<std::mutex> enter();
  // wait() of the result carries out this collective and those before it. The queue outlives the result.
  std::unique_ptr<Work> defer(std::function<void()> collective);

 private:
  class Deferred;
  void run_until(std::uint64_t ticket);  // under the lock

  std::mutex mutex_;
  std::deque<std::function<void()>> waiting_;
  std::uint64_t first_ticket_ = 0;  // of the front
};

}  // namespace phidias::parallel
