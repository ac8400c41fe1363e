#include "base/run_lock.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <optional>

#include "base/error.h"
#include "tests/data/temporary_directory.h"

namespace phidias {
namespace {

TEST(RunLock, LetsOneJobAtATimeIntoARunDirectory) {
  const data::TemporaryDirectory temporary;
  const std::filesystem::path& folder = temporary.path();
  std::optional<RunLock> first(folder / "run");
  EXPECT_THROW(RunLock(folder / "run", 0.0), ConfigError);
  EXPECT_NO_THROW(RunLock(folder / "other", 0.0));
  first.reset();
  EXPECT_NO_THROW(RunLock(folder / "run", 0.0));
  EXPECT_FALSE(std::filesystem::exists(folder / "run.lock")) << "nothing stays behind";
}

TEST(RunLock, TakesAFolderWithASlashBehindItForTheSame) {
  const data::TemporaryDirectory temporary;
  const std::filesystem::path& folder = temporary.path();
  std::filesystem::create_directory(folder / "run");
  const RunLock first(folder / "run");
  EXPECT_THROW(RunLock(folder / "run/", 0.0), ConfigError);
}

}  // namespace
}  // namespace phidias
