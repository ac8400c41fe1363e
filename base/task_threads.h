// A few threads that carry out tasks in the order in which they are given, with a bound on how many wait.
//
//   TaskThreads threads(4, 8);
//   for (...) threads.run([unit](std::size_t thread) { ... });     // thread: 0 .. 3, for scratch memory of one's own
//   threads.finish();                                              // throws what the first failed task threw
#pragma once

#include <condition_variable>
#include <deque>
#include <exception>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace phidias {

class TaskThreads {
 public:
  using Task = std::function<void(std::size_t thread)>;
  TaskThreads(std::size_t threads, std::size_t waiting);
  // Waits for running tasks; those that wait are forgotten.
  ~TaskThreads();
  // Blocks while `waiting` tasks wait. Throws what a task threw, if one did.
  void run(Task task);
  // Waits until all are done.
  void finish();

 private:
  void work(std::size_t thread);
  std::size_t waiting_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Task> queue_;
  std::size_t running_ = 0;
  bool ended_ = false;
  std::exception_ptr failure_;
  std::vector<std::thread> threads_;
};

}  // namespace phidias
