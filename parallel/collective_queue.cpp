#include "parallel/collective_queue.h"

#include <utility>

namespace phidias::parallel {

class CollectiveQueue::Deferred : public Work {
 public:
  Deferred(CollectiveQueue& owner, std::uint64_t ticket) : owner_(owner), ticket_(ticket) {}
  void wait() override {
    const std::lock_guard lock(owner_.mutex_);
    owner_.run_until(ticket_ + 1);
  }

 private:
  CollectiveQueue& owner_;
  std::uint64_t ticket_;
};

std::unique_lock<std::mutex> CollectiveQueue::enter() {
  std::unique_lock lock(mutex_);
  run_until(first_ticket_ + waiting_.size());
  return lock;
}

std::unique_ptr<Work> CollectiveQueue::defer(std::function<void()> collective) {
  const std::lock_guard lock(mutex_);
  waiting_.push_back(std::move(collective));
  return std::make_unique<Deferred>(*this, first_ticket_ + waiting_.size() - 1);
}

void CollectiveQueue::run_until(std::uint64_t ticket) {
  while (!waiting_.empty() && first_ticket_ < ticket) {
    const std::function<void()> next = std::move(waiting_.front());
    waiting_.pop_front();
    ++first_ticket_;
    next();
  }
}

}  // namespace phidias::parallel
