#include "trainer/memory_check.h"

#include <gtest/gtest.h>

namespace phidias::trainer {
namespace {

TEST(MemoryCheck, RanksOfAHostAreCountedTogether) {
  StateBytes needed;
  needed.values = 4'000'000'000;
  needed.moments = 8'000'000'000;
  EXPECT_EQ(memory_problem(needed, 2, 24'000'000'000, "a host"), "");
  const std::string problem = memory_problem(needed, 2, 23'900'000'000, "a host");
  for (const char* part : {"2 ranks need 12.0 GB each", "23.9 GB are free", "weights 4.0 GB", "masters and moments 8.0 GB", "parallel.shard", "phidias plan"})
    EXPECT_NE(problem.find(part), std::string::npos) << part << " in " << problem;
}

TEST(MemoryCheck, ThisHostHasSomeMemoryAndNotWithoutLimit) {
  EXPECT_GT(available_host_bytes(), 10'000'000);
  EXPECT_LT(available_host_bytes(), 1'000'000'000'000'000);
}

}  // namespace
}  // namespace phidias::trainer
