#include "trainer/run_lock.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <optional>

#include "base/error.h"
#include "tests/support/mpi_test.h"
#include "tests/trainer/run_fixture.h"

namespace phidias::trainer {
namespace {

TEST(RunLock, LetsOneJobAtATimeIntoARunDirectory) {
  const trainer_test::SharedFolder folder(mpi_test::world());
  std::optional<RunLock> first(folder / "run");
  EXPECT_THROW(RunLock(folder / "run", 0.0), ConfigError);
  EXPECT_NO_THROW(RunLock(folder / "other", 0.0));
  first.reset();
  EXPECT_NO_THROW(RunLock(folder / "run", 0.0));
  EXPECT_FALSE(std::filesystem::exists(folder / "run.lock")) << "nothing stays behind";
}

}  // namespace
}  // namespace phidias::trainer
