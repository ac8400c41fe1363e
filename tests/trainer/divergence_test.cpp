#include "trainer/divergence.h"

#include <gtest/gtest.h>

#include "base/error.h"
#include "tests/support/mpi_test.h"
#include "tests/trainer/run_fixture.h"

namespace phidias::trainer {
namespace {

using namespace trainer_test;

TEST(Divergence, OfARunEndsItAndNamesTheDocuments) {
  parallel::World& world = mpi_test::world();
  const SharedFolder folder(world);
  const auto config = recipe(folder / "run", {"optimizer.learning_rate=1e30", "schedule.warmup_steps=0", "divergence.max_bad_steps=3"});
  try {
    run(config, world);
    FAIL() << "weights of 1e30 cannot give a finite loss";
  } catch (const DivergedError& error) {
    EXPECT_EQ(error.code(), ExitCode::diverged);
    EXPECT_NE(std::string(error.what()).find("train.jsonl:"), std::string::npos) << error.what();
  }
  world.host().barrier();
  EXPECT_FALSE(std::filesystem::exists(folder / "run" / "final"));
  if (world.rank() != 0) return;
  std::size_t skipped = 0;
  for (const Json& line : metrics_of(folder / "run")) skipped += line.contains("skipped") ? 1 : 0;
  EXPECT_EQ(skipped, 2u) << "the third bad step ends the run before its line";
}

TEST(DivergenceGuard, CountsBadStepsInARowAndForgetsThemAfterAGoodOne) {
  DivergenceGuard guard(2, mpi_test::world().host(), [](std::uint64_t record) { return "train.jsonl:" + std::to_string(record); });
  TrainState state;
  data::GlobalBatch batch;
  batch.micro_batches.emplace_back().segments.push_back({0, 1, -1, false, 17});
  StepResult good, bad;
  bad.finite = false;
  guard.after_step(state, batch, bad);
  guard.after_step(state, batch, good);
  EXPECT_EQ(state.bad_steps_in_a_row, 0);
  guard.after_step(state, batch, bad);
  EXPECT_EQ(state.bad_steps, 2);
  EXPECT_THROW(guard.after_step(state, batch, bad), DivergedError);
}

}  // namespace
}  // namespace phidias::trainer
