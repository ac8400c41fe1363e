#include "parallel/launch_environment.h"

#include <gtest/gtest.h>

#include <map>

#include "base/error.h"

namespace phidias::parallel {
namespace {

LaunchEnvironment read(const std::map<std::string, std::string>& variables) {
  return read_launch_environment([&](const char* name) -> const char* {
    const auto found = variables.find(name);
    return found == variables.end() ? nullptr : found->second.c_str();
  });
}

TEST(LaunchEnvironment, WithoutALauncherMpiStaysAway) { EXPECT_FALSE(read({}).uses_mpi); }

TEST(LaunchEnvironment, KnowsMpirunAndPmi) {
  EXPECT_TRUE(read({{"OMPI_COMM_WORLD_SIZE", "4"}}).uses_mpi);
  EXPECT_EQ(read({{"OMPI_COMM_WORLD_SIZE", "4"}}).expected_size, 4);
  EXPECT_TRUE(read({{"PMIX_RANK", "0"}}).uses_mpi);
  EXPECT_EQ(read({{"PMIX_RANK", "0"}}).expected_size, 0);
  EXPECT_EQ(read({{"PMI_RANK", "0"}, {"PMI_SIZE", "2"}}).expected_size, 2);
  EXPECT_EQ(read({{"PMIX_RANK", "0"}, {"SLURM_STEP_NUM_TASKS", "8"}}).expected_size, 8);
}

TEST(LaunchEnvironment, ABatchScriptMayRunASingleProcess) { EXPECT_FALSE(read({{"SLURM_NTASKS", "8"}, {"SLURM_PROCID", "0"}}).uses_mpi); }

TEST(LaunchEnvironment, SeveralTasksWithoutPmiAreRefused) {
  EXPECT_THROW(read({{"SLURM_STEP_NUM_TASKS", "2"}}), ConfigError);
  EXPECT_FALSE(read({{"SLURM_STEP_NUM_TASKS", "1"}}).uses_mpi);
}

TEST(LaunchEnvironment, AnotherNumberOfRanksThanAnnouncedIsRefused) {
  EXPECT_THROW(check_world_size(read({{"OMPI_COMM_WORLD_SIZE", "4"}}), 1), ConfigError);
  EXPECT_NO_THROW(check_world_size(read({{"OMPI_COMM_WORLD_SIZE", "4"}}), 4));
  EXPECT_NO_THROW(check_world_size(read({{"PMIX_RANK", "0"}}), 3));
}

}  // namespace
}  // namespace phidias::parallel
