#include "base/task_threads.h"

#include <algorithm>
#include <utility>

namespace phidias {

TaskThreads::TaskThreads(std::size_t threads, std::size_t waiting) : waiting_(std::max<std::size_t>(waiting, 1)) {
  for (std::size_t i = 0; i < std::max<std::size_t>(threads, 1); ++i) threads_.emplace_back([this, i] { work(i); });
}

TaskThreads::~TaskThreads() {
  {
    const std::lock_guard lock(mutex_);
    ended_ = true;
    queue_.clear();
  }
  changed_.notify_all();
  for (std::thread& thread : threads_) thread.join();
}

void TaskThreads::run(Task task) {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return queue_.size() < waiting_ || failure_; });
  if (failure_) std::rethrow_exception(failure_);
  queue_.push_back(std::move(task));
  changed_.notify_all();
}

void TaskThreads::finish() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return (queue_.empty() || failure_) && running_ == 0; });
  if (failure_) std::rethrow_exception(failure_);
}

void TaskThreads::work(std::size_t thread) {
  std::unique_lock lock(mutex_);
  for (;;) {
    changed_.wait(lock, [&] { return ended_ || (!queue_.empty() && !failure_); });
    if (ended_) return;
    Task task = std::move(queue_.front());
    queue_.pop_front();
    ++running_;
    changed_.notify_all();
    lock.unlock();
    std::exception_ptr failure;
    try {
      task(thread);
    } catch (...) {
      failure = std::current_exception();
    }
    task = nullptr;  // what it holds is given back before it counts as done
    lock.lock();
    if (failure && !failure_) failure_ = failure;
    --running_;
    changed_.notify_all();
  }
}

}  // namespace phidias
