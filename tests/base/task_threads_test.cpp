#include "base/task_threads.h"

#include <gtest/gtest.h>

#include <atomic>
#include <numeric>
#include <stdexcept>
#include <vector>

namespace phidias {
namespace {

TEST(TaskThreads, CarryOutEveryTaskOnceOnAThreadOfItsOwn) {
  std::vector<std::atomic<int>> done(200), by_thread(3);
  TaskThreads threads(3, 4);
  for (std::size_t i = 0; i < done.size(); ++i)
    threads.run([&, i](std::size_t thread) {
      ++done[i];
      ++by_thread.at(thread);
    });
  threads.finish();
  for (const auto& count : done) EXPECT_EQ(count, 1);
  EXPECT_EQ(std::accumulate(by_thread.begin(), by_thread.end(), 0), 200);
}

TEST(TaskThreads, BoundHowManyTasksWait) {
  std::atomic<int> given = 0, most_ahead = 0, started = 0;
  TaskThreads threads(2, 3);
  for (int i = 0; i < 300; ++i) {
    threads.run([&](std::size_t) { ++started; });
    most_ahead = std::max(most_ahead.load(), ++given - started);
  }
  threads.finish();
  EXPECT_LE(most_ahead, 3 + 2);
  EXPECT_EQ(started, 300);
}

TEST(TaskThreads, ThrowWhatATaskThrewAndStartNoOther) {
  std::atomic<int> after = 0;
  TaskThreads threads(1, 100);
  threads.run([](std::size_t) { throw std::runtime_error("broken"); });
  EXPECT_THROW(
      {
        for (int i = 0; i < 50; ++i) threads.run([&](std::size_t) { ++after; });
        threads.finish();
      },
      std::runtime_error);
  EXPECT_EQ(after, 0);
}

}  // namespace
}  // namespace phidias
