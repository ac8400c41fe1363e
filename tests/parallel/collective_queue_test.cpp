#include "parallel/collective_queue.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace phidias::parallel {
namespace {

TEST(CollectiveQueue, WaitingCarriesOutWhatCameBeforeAndNothingAfter) {
  CollectiveQueue queue;
  std::string done;
  const auto a = queue.defer([&] { done += 'a'; }), b = queue.defer([&] { done += 'b'; }), c = queue.defer([&] { done += 'c'; });
  EXPECT_EQ(done, "");
  b->wait();
  EXPECT_EQ(done, "ab");
  a->wait();
  b->wait();
  EXPECT_EQ(done, "ab") << "each is carried out once";
  c->wait();
  EXPECT_EQ(done, "abc");
}

TEST(CollectiveQueue, ACollectiveComesAfterThoseThatWereStartedBefore) {
  CollectiveQueue queue;
  std::string done;
  const auto a = queue.defer([&] { done += 'a'; });
  {
    const auto turn = queue.enter();
    EXPECT_EQ(done, "a");
  }
  const auto b = queue.defer([&] { done += 'b'; });
  a->wait();
  EXPECT_EQ(done, "a");
  b->wait();
  EXPECT_EQ(done, "ab");
}

TEST(CollectiveQueue, AnErrorReachesTheOneWhoWaitsAndIsNotRepeated) {
  CollectiveQueue queue;
  bool next_done = false;
  const auto broken = queue.defer([] { throw std::runtime_error("link down"); }), next = queue.defer([&] { next_done = true; });
  EXPECT_THROW(broken->wait(), std::runtime_error);
  EXPECT_FALSE(next_done);
  EXPECT_NO_THROW(next->wait());
  EXPECT_TRUE(next_done);
}

TEST(CollectiveQueue, ThreadsTakeTurns) {
  CollectiveQueue queue;
  int inside = 0, most = 0, done = 0;  // unguarded: the queue is the guard
  const auto collective = [&] {
    most = std::max(most, ++inside);
    std::this_thread::yield();
    ++done;
    --inside;
  };
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      for (int k = 0; k < 200; ++k) {
        const auto work = queue.defer(collective);
        if (k % 2 == 0) work->wait();
        const auto turn = queue.enter();
        collective();
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(most, 1);
  EXPECT_EQ(done, 4 * 200 * 2);
}

}  // namespace
}  // namespace phidias::parallel
