// Stop, kill, damage and resume, on any number of ranks.
#include <gtest/gtest.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <set>
#include <thread>

#include "base/atomic_file.h"
#include "tests/support/mpi_test.h"
#include "tests/trainer/run_fixture.h"
#include "trainer/checkpoint/manifest.h"

namespace phidias::trainer_test {
namespace {
namespace fs = std::filesystem;

constexpr const char* kKilledRunFolder = "PHIDIAS_TEST_KILLED_RUN";
const std::vector<std::string> kEveryFour = {"checkpoint.every_steps=4", "checkpoint.keep=10"};

std::vector<std::string> with(std::vector<std::string> overrides, const std::vector<std::string>& more) {
  overrides.insert(overrides.end(), more.begin(), more.end());
  return overrides;
}

std::size_t lines_of(const fs::path& file) {
  std::ifstream text(file);
  return static_cast<std::size_t>(std::count(std::istreambuf_iterator<char>(text), {}, '\n'));
}

// Waits in a thread of its own until metrics.jsonl has `lines` lines, then sends `signal` to this process.
std::jthread signal_at(const fs::path& output, std::size_t lines, int signal) {
  return std::jthread([=](std::stop_token stopping) {
    while (!stopping.stop_requested() && lines_of(output / "metrics.jsonl") < lines) std::this_thread::yield();
    if (!stopping.stop_requested()) ::kill(::getpid(), signal);
  });
}

// Run by the test below in a process of its own, alone.
TEST(KilledRun, DISABLED_DiesAfterTenSteps) {
  const fs::path output = std::getenv(kKilledRunFolder);
  const std::jthread killer = signal_at(output, 10, SIGKILL);
  run(recipe(output, with(kEveryFour, {"stop.steps=100000", "schedule.name=constant"})), mpi_test::world());
}

void run_and_kill(const fs::path& output) {
  std::vector<std::string> environment = environment_without_mpi();
  environment.push_back(std::string(kKilledRunFolder) + "=" + output.string());
  std::vector<char*> variables;
  for (std::string& text : environment) variables.push_back(text.data());
  variables.push_back(nullptr);
  std::string program = fs::read_symlink("/proc/self/exe").string(), filter = "--gtest_filter=KilledRun.*", disabled = "--gtest_also_run_disabled_tests";
  char* arguments[] = {program.data(), filter.data(), disabled.data(), nullptr};
  pid_t child = 0;
  ASSERT_EQ(::posix_spawn(&child, program.c_str(), nullptr, nullptr, arguments, variables.data()), 0);
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  ASSERT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}

void expect_equal_losses(const fs::path& a, const fs::path& b, double tolerance) {
  const std::vector<double> first = field_of_steps(a, "loss"), second = field_of_steps(b, "loss"), steps = field_of_steps(b, "step");
  ASSERT_EQ(first.size(), second.size());
  for (std::size_t i = 0; i < first.size(); ++i) {
    EXPECT_NEAR(first[i], second[i], tolerance) << "step " << i + 1;
    EXPECT_EQ(steps[i], static_cast<double>(i + 1));
  }
}

TEST(Resume, AfterKillMinusNineOnAnyNumberOfRanksEqualsNoKill) {
  parallel::World& world = mpi_test::world();
  const SharedFolder folder(world);
  const std::vector<std::string> constant = {"schedule.name=constant"};
  if (world.rank() == 0) run_and_kill(folder / "killed");
  world.host().barrier();
  const double lines_before = static_cast<double>(lines_of(folder / "killed" / "metrics.jsonl"));
  const std::string steps = "stop.steps=" + std::to_string(static_cast<int>(lines_before) + 6);
  EXPECT_EQ(run(recipe(folder / "killed", with(constant, {steps})), world), ExitCode::success);
  EXPECT_EQ(run(recipe(folder / "straight", with(constant, {steps})), world), ExitCode::success);
  // The trajectory's tolerance: the first part was computed by another number of ranks.
  if (world.rank() == 0) expect_equal_losses(folder / "killed", folder / "straight", 2e-5);
}

TEST(Resume, AfterAStopSignalContinuesWithTheSameBits) {
  parallel::World& world = mpi_test::world();
  const SharedFolder folder(world);
  const std::vector<std::string> constant = {"schedule.name=constant"};
  {
    // One rank alone hears of it; all stop at the same step.
    std::jthread sender;
    if (world.rank() == world.size() - 1) sender = signal_at(folder / "stopped", 3, SIGUSR1);
    EXPECT_EQ(run(recipe(folder / "stopped", with(constant, {"stop.steps=100000"})), world), ExitCode::user_signal);
  }
  const auto lines = static_cast<int>(lines_of(folder / "stopped" / "metrics.jsonl"));
  world.host().barrier();
  const std::string steps = "stop.steps=" + std::to_string(lines + 3);
  EXPECT_EQ(run(recipe(folder / "stopped", with(constant, {steps})), world), ExitCode::success);
  EXPECT_EQ(run(recipe(folder / "straight", with(constant, {steps})), world), ExitCode::success);
  if (world.rank() == 0) expect_equal_losses(folder / "stopped", folder / "straight", 0.0);
}

TEST(Resume, AFinishedRunReturnsAtOnceAndCanBeProlonged) {
  parallel::World& world = mpi_test::world();
  const SharedFolder folder(world);
  const std::vector<std::string> short_run = {"schedule.name=constant", "stop.steps=4"};
  EXPECT_EQ(run(recipe(folder / "run", short_run), world), ExitCode::success);
  const std::string metrics = read_file(folder / "run" / "metrics.jsonl");
  EXPECT_EQ(run(recipe(folder / "run", short_run), world), ExitCode::success);
  EXPECT_EQ(read_file(folder / "run" / "metrics.jsonl"), metrics);
  world.host().barrier();
  EXPECT_EQ(run(recipe(folder / "run", {"schedule.name=constant", "stop.steps=6"}), world), ExitCode::success);
  EXPECT_EQ(field_of_steps(folder / "run", "loss").size(), 6u);
}

// Damages one file of a checkpoint: the last byte flipped, or the last half gone.
void damage(const fs::path& file, bool truncate) {
  const auto size = fs::file_size(file);
  if (truncate) return fs::resize_file(file, size / 2);
  std::fstream bytes(file, std::ios::in | std::ios::out | std::ios::binary);
  bytes.seekg(static_cast<std::streamoff>(size - 1));
  const char flipped = static_cast<char>(bytes.get() ^ 1);
  bytes.seekp(static_cast<std::streamoff>(size - 1));
  bytes.put(flipped);
}

class Damage : public ::testing::TestWithParam<std::pair<const char*, bool>> {};

TEST_P(Damage, OfTheNewestFallsBackToThePreviousGoodOne) {
  parallel::World& world = mpi_test::world();
  const SharedFolder folder(world);
  const std::vector<std::string> constant = with(kEveryFour, {"schedule.name=constant"});
  for (const char* name : {"damaged", "straight"}) run(recipe(folder / name, with(constant, {"stop.steps=8"})), world);
  if (world.rank() == 0) damage(folder / "damaged" / "checkpoints/step-000008" / GetParam().first, GetParam().second);
  world.host().barrier();
  for (const char* name : {"damaged", "straight"}) EXPECT_EQ(run(recipe(folder / name, with(constant, {"stop.steps=10"})), world), ExitCode::success);
  if (world.rank() == 0) {
    expect_equal_losses(folder / "damaged", folder / "straight", 0.0);
    EXPECT_NO_THROW(trainer::verify_manifest(folder / "damaged" / "checkpoints/step-000008")) << "written again on the way";
  }
}

INSTANTIATE_TEST_SUITE_P(Files, Damage,
                         ::testing::Values(std::pair("model/model.safetensors", false), std::pair("optimizer/optimizer.safetensors", true),
                                           std::pair("state.json", true), std::pair("manifest.json", true)));

TEST(Resume, WithoutOneGoodCheckpointIsAnErrorOnEveryRank) {
  parallel::World& world = mpi_test::world();
  const SharedFolder folder(world);
  run(recipe(folder / "run", {"stop.steps=2", "schedule.name=constant", "schedule.warmup_steps=1"}), world);
  if (world.rank() == 0) damage(folder / "run" / "checkpoints/step-000002/model/model.safetensors", false);
  world.host().barrier();
  EXPECT_THROW(run(recipe(folder / "run", {"stop.steps=4", "schedule.name=constant", "schedule.warmup_steps=1"}), world), CheckpointError);
  EXPECT_EQ(run(recipe(folder / "run", {"stop.steps=4", "schedule.name=constant", "schedule.warmup_steps=1", "checkpoint.resume=never"}), world),
            ExitCode::success);
  EXPECT_TRUE(fs::exists(folder / "run.previous-1" / "checkpoints")) << "the old run is kept aside";
}

TEST(Resume, WithAnotherBatchIsRefusedUnlessForced) {
  parallel::World& world = mpi_test::world();
  const SharedFolder folder(world);
  const std::vector<std::string> more = {"stop.steps=4", "schedule.name=constant", "schedule.warmup_steps=1", "batch.documents=16"};
  run(recipe(folder / "run", {"stop.steps=2", "schedule.name=constant", "schedule.warmup_steps=1"}), world);
  EXPECT_THROW(run(recipe(folder / "run", more), world), ConfigError);
  EXPECT_EQ(run(recipe(folder / "run", with(more, {"checkpoint.resume=force"})), world), ExitCode::success);
}

TEST(Resume, OfABfloat16ModelContinuesFromItsFloat32Masters) {
  parallel::World& world = mpi_test::world();
  const SharedFolder folder(world);
  const std::vector<std::string> half = {
      "model.path=", "model.preset=phi3-tiny", "model.dtype=bfloat16", "model.trainable=[\"*layers*\"]", "schedule.name=constant", "schedule.warmup_steps=1"};
  run(recipe(folder / "resumed", with(half, {"stop.steps=3"})), world);
  for (const char* name : {"resumed", "straight"}) EXPECT_EQ(run(recipe(folder / name, with(half, {"stop.steps=6"})), world), ExitCode::success);
  if (world.rank() == 0) expect_equal_losses(folder / "resumed", folder / "straight", 0.0);
}

// One checkpoint besides the best, an evaluation at every second step.
std::vector<std::string> keeping_the_best(int checkpoint_every) {
  return {"checkpoint.every_steps=" + std::to_string(checkpoint_every),
          "checkpoint.keep=1",
          "checkpoint.keep_best=validation_loss",
          "evaluation.every_steps=2",
          "schedule.name=constant",
          "schedule.warmup_steps=1",
          "data.validation=" + (golden_folder() / "validation.jsonl").string()};
}

TEST(Retention, KeepsTheNewestAndTheBest) {
  parallel::World& world = mpi_test::world();
  const SharedFolder folder(world);
  run(recipe(folder / "newest", {"checkpoint.every_steps=2", "checkpoint.keep=2", "stop.steps=8"}), world);
  // Four good steps, then four at a rate that ruins the model: the best checkpoint is an early one.
  const std::vector<std::string> best = keeping_the_best(/*checkpoint_every=*/2);
  run(recipe(folder / "best", with(best, {"stop.steps=4"})), world);
  run(recipe(folder / "best", with(best, {"stop.steps=8", "optimizer.learning_rate=10"})), world);
  if (world.rank() != 0) return;
  const auto names = [&](const char* run) {
    std::set<std::string> found;
    for (const auto& entry : fs::directory_iterator(folder / run / "checkpoints")) found.insert(entry.path().filename().string());
    return found;
  };
  EXPECT_EQ(names("newest"), (std::set<std::string>{"latest", "step-000006", "step-000008"}));
  std::int64_t best_step = 0;
  double lowest = 1e30;
  for (const Json& line : metrics_of(folder / "best"))
    if (line.contains("validation_loss") && line["step"] > 0 && line["validation_loss"].get<double>() < lowest) {
      lowest = line["validation_loss"];
      best_step = line["step"];
    }
  ASSERT_LT(best_step, 8) << "the test's premise";
  EXPECT_EQ(names("best"), (std::set<std::string>{"latest", "step-00000" + std::to_string(best_step), "step-000008"}));
}

TEST(Retention, TheBestIsACheckpointThatWasEvaluated) {
  parallel::World& world = mpi_test::world();
  const SharedFolder folder(world);
  // Checkpoints at every step, evaluations at every second one and at the end. Step 3 must not stand for the loss of step 2, step 4 ruins the model.
  const std::vector<std::string> more = keeping_the_best(/*checkpoint_every=*/1);
  run(recipe(folder / "run", with(more, {"stop.steps=2"})), world);
  run(recipe(folder / "run", with(more, {"stop.steps=4", "optimizer.learning_rate=10"})), world);
  if (world.rank() == 0) {
    const std::vector<Json> lines = metrics_of(folder / "run");  // the evaluation before the first step, then one line per step
    EXPECT_LT(lines.at(2)["validation_loss"], lines.at(4)["validation_loss"]) << "the test's premise";
    EXPECT_TRUE(fs::exists(folder / "run/checkpoints/step-000002"));
    EXPECT_FALSE(fs::exists(folder / "run/checkpoints/step-000003"));
  }
  world.host().barrier();
  EXPECT_THROW(run(recipe(folder / "other", with(more, {"stop.steps=3", "checkpoint.keep_best=accuracy"})), world), ConfigError);
}

}  // namespace
}  // namespace phidias::trainer_test
