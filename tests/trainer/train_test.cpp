// What a run leaves behind, that it repeats bit for bit, and that evaluation does not depend on the layout.
#include "trainer/train.h"

#include <gtest/gtest.h>

#include "base/atomic_file.h"
#include "models/hub/model_directory.h"
#include "tests/support/mpi_test.h"
#include "tests/trainer/run_fixture.h"

namespace phidias::trainer_test {
namespace {
namespace fs = std::filesystem;

const std::vector<std::string> kShort = {"stop.steps=3", "schedule.warmup_steps=1"};

Json without_time_and_memory(Json line) {
  for (const char* key : {"seconds", "tokens_per_second", "mfu", "memory"}) line.erase(key);
  return line;
}

TEST(Train, TwiceTheSameRecipeGivesTheSameBits) {
  parallel::World& world = mpi_test::world();
  const SharedFolder folder(world);
  for (const char* name : {"a", "b"}) EXPECT_EQ(run(recipe(folder / name, {"stop.steps=6", "data.shuffle=true"}), world), ExitCode::success);
  if (world.rank() != 0) return;
  const std::vector<Json> a = metrics_of(folder / "a"), b = metrics_of(folder / "b");
  ASSERT_EQ(a.size(), b.size());
  for (std::size_t i = 0; i < a.size(); ++i) EXPECT_EQ(without_time_and_memory(a[i]).dump(), without_time_and_memory(b[i]).dump());
  EXPECT_EQ(read_file(folder / "a/final/model.safetensors"), read_file(folder / "b/final/model.safetensors"));
}

TEST(Train, LeavesACompleteRunDirectory) {
  parallel::World& world = mpi_test::world();
  const SharedFolder folder(world);
  EXPECT_EQ(run(recipe(folder / "run", kShort), world), ExitCode::success);
  for (const char* name : {"config.yaml", "environment.json", "metrics.jsonl", "log.txt", "checkpoints/latest", "checkpoints/step-000003/model/config.json",
                           "checkpoints/step-000003/optimizer/optimizer.safetensors", "checkpoints/step-000003/state.json",
                           "checkpoints/step-000003/manifest.json", "final/config.json", "final/model.safetensors", "final/generation_config.json"})
    EXPECT_TRUE(fs::exists(folder / "run" / name)) << name;
  if (world.size() > 1) {
    EXPECT_TRUE(fs::exists(folder / "run" / "log.rank-1.txt"));
  }
  EXPECT_EQ(read_file(folder / "run/final/config.json"), read_file(golden_folder() / "model/config.json")) << "files beside the weights are copied unchanged";
  EXPECT_EQ(read_file(folder / "run/checkpoints/latest"), "step-000003\n");
  EXPECT_NO_THROW(models::open_model_directory(folder / "run" / "final"));
  if (world.rank() == 0) {
    const configs::RunConfig again = configs::read_run_config((folder / "run/config.yaml").string(), {});
    EXPECT_EQ(again.batch.micro_tokens, 512);
    const Json environment = read_json(folder / "run/environment.json");
    for (const char* key : {"commit", "torch", "cuda", "nccl", "mpi", "hosts"}) EXPECT_TRUE(environment.contains(key)) << key;
    EXPECT_EQ(environment["hosts"].size(), static_cast<std::size_t>(world.size()));
  }
}

TEST(Train, ADryRunLeavesNothing) {
  parallel::World& world = mpi_test::world();
  const SharedFolder folder(world);
  const SignalWatch signals;
  EXPECT_EQ(trainer::train(recipe(folder / "run"), world, signals, {.dry_run = true}), ExitCode::success);
  world.host().barrier();
  EXPECT_FALSE(fs::exists(folder / "run" / "dry-run"));
  EXPECT_FALSE(fs::exists(folder / "run" / "final"));
}

TEST(Train, FromAPresetWritesADirectoryWithItsTokenizer) {
  parallel::World& world = mpi_test::world();
  const SharedFolder folder(world);
  EXPECT_EQ(run(recipe(folder / "run", {"model.path=", "model.preset=phi3-tiny", "stop.steps=2", "schedule.warmup_steps=1"}), world), ExitCode::success);
  EXPECT_TRUE(fs::exists(folder / "run" / "final" / "tokenizer.json"));
  EXPECT_NO_THROW(models::open_model_directory(folder / "run" / "final"));
}

TEST(Evaluation, OfSeveralFilesReportsEachAndTheirTokenWeightedMean) {
  parallel::World& world = mpi_test::world();
  const SharedFolder folder(world);
  const fs::path golden = golden_folder();
  configs::RunConfig config = recipe(folder / "run", kShort);
  config.data.validation = {{(golden / "validation.jsonl").string(), 1.0, "auto"}, {(golden / "train.jsonl").string(), 1.0, "auto"}};
  EXPECT_EQ(run(config, world), ExitCode::success);
  if (world.rank() != 0) return;
  const Json first = metrics_of(folder / "run").front();
  EXPECT_EQ(first["step"], 0);
  const double a = first["validation_loss/validation"], b = first["validation_loss/train"], n = first["validation_target_tokens/validation"],
               m = first["validation_target_tokens/train"];
  EXPECT_NEAR(first["validation_loss"].get<double>(), (a * n + b * m) / (n + m), 1e-12);
  const Json expected = read_json(golden / "expected.json");
  EXPECT_NEAR(a, expected["validation_before"].get<double>(), 1e-5);  // one forward pass in float32 of losses near 5
}

}  // namespace
}  // namespace phidias::trainer_test
