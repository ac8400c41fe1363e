// A checkpoint that cannot be written: the last good one stays and the error says so. The disk is made small by a limit on file sizes.
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/resource.h>

#include "tests/trainer/run_fixture.h"
#include "trainer/checkpoint/manifest.h"

namespace phidias::trainer_test {
namespace {
namespace fs = std::filesystem;

class FileSizeLimit {
 public:
  explicit FileSizeLimit(rlim_t bytes) {
    ::signal(SIGXFSZ, SIG_IGN);  // writing beyond the limit fails with EFBIG instead
    ::getrlimit(RLIMIT_FSIZE, &before_);
    const rlimit limit{bytes, before_.rlim_max};
    ::setrlimit(RLIMIT_FSIZE, &limit);
  }
  ~FileSizeLimit() { ::setrlimit(RLIMIT_FSIZE, &before_); }

 private:
  rlimit before_{};
};

TEST(FullDisk, AtACheckpointKeepsTheLastGoodOneAndTheRunCanGoOn) {
  parallel::World world = parallel::World::start();
  const SharedFolder folder(world);
  const fs::path checkpoints = folder / "run" / "checkpoints";
  const std::vector<std::string> to_four = {"stop.steps=4", "schedule.name=constant"}, to_eight = {"stop.steps=8", "schedule.name=constant"};
  ASSERT_EQ(run(recipe(folder / "run", to_four), world), ExitCode::success);
  {
    const FileSizeLimit limit(40'000);  // the weights take 88 kB
    try {
      run(recipe(folder / "run", to_eight), world);
      FAIL() << "the checkpoint cannot fit";
    } catch (const CheckpointError& error) {
      EXPECT_NE(std::string(error.what()).find("step-000008 could not be written"), std::string::npos) << error.what();
      EXPECT_NE(std::string(error.what()).find("step-000004"), std::string::npos) << error.what();
    }
  }
  EXPECT_NO_THROW(trainer::verify_manifest(checkpoints / "step-000004"));
  for (const auto& entry : fs::directory_iterator(checkpoints)) EXPECT_FALSE(entry.path().filename().string().starts_with(".")) << entry.path();
  ASSERT_EQ(run(recipe(folder / "run", to_eight), world), ExitCode::success);
  ASSERT_EQ(run(recipe(folder / "straight", to_eight), world), ExitCode::success);
  EXPECT_EQ(field_of_steps(folder / "run", "loss"), field_of_steps(folder / "straight", "loss"));
}

}  // namespace
}  // namespace phidias::trainer_test
