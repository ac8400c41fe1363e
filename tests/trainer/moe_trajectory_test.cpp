// Twenty steps of a mixture of experts against transformers and torch (tests/golden/make_moe_trajectory_goldens.py), with and without an expert axis.
#include <gtest/gtest.h>

#include <numeric>

#include "base/json.h"
#include "models/hub/model_directory.h"
#include "tests/support/mpi_test.h"
#include "tests/trainer/run_fixture.h"

namespace phidias::trainer_test {
namespace {

// As trajectory_test.cpp: losses about 5, twenty updates of AdamW.
constexpr double kLossTolerance = 2e-5;
constexpr double kNormTolerance = 1e-4;

std::filesystem::path moe_folder() { return golden_folder().parent_path() / "trajectory_moe"; }

std::vector<std::string> moe_overrides(std::vector<std::string> more) {
  std::vector<std::string> overrides = {"model.path=" + (moe_folder() / "model").string(), "model.router=deterministic",
                                        "data.validation=" + (golden_folder() / "validation.jsonl").string()};
  overrides.insert(overrides.end(), more.begin(), more.end());
  return overrides;
}

void expect_trajectory(const std::filesystem::path& output, const char* file) {
  const Json expected = read_json(moe_folder() / file);
  for (const auto& [field, tolerance] :
       {std::pair("loss", kLossTolerance), {"cross_entropy", kLossTolerance}, {"aux_loss", kLossTolerance}, {"grad_norm", kNormTolerance}}) {
    const std::vector<double> values = field_of_steps(output, field);
    ASSERT_EQ(values.size(), expected[field].size());
    for (std::size_t step = 0; step < values.size(); ++step)
      EXPECT_NEAR(values[step], expected[field][step].get<double>(), tolerance) << field << " of step " << step;
  }
  EXPECT_NEAR(last_value(output, "validation_loss"), expected["validation_after"].get<double>(), kLossTolerance);
}

struct Layout {
  const char* name;
  int smallest_world;
  std::vector<std::string> overrides;
};

class MoeTrajectory : public ::testing::TestWithParam<Layout> {};

TEST_P(MoeTrajectory, EqualsTransformersAtEveryStep) {
  parallel::World& world = mpi_test::world();
  if (world.size() < GetParam().smallest_world) GTEST_SKIP() << "needs " << GetParam().smallest_world << " ranks";
  const SharedFolder folder(world);
  std::vector<std::string> overrides = GetParam().overrides;
  EXPECT_EQ(run(recipe(folder / "decaying", moe_overrides(overrides)), world), ExitCode::success);
  overrides.push_back("optimizer.skip_unused_experts=true");
  EXPECT_EQ(run(recipe(folder / "skipping", moe_overrides(overrides)), world), ExitCode::success);
  if (world.rank() != 0) return;
  expect_trajectory(folder / "skipping", "expected.json");
  expect_trajectory(folder / "decaying", "expected_decayed.json");
}

INSTANTIATE_TEST_SUITE_P(Layouts, MoeTrajectory,
                         ::testing::Values(Layout{"Data", 1, {}}, Layout{"RecomputedBlocks", 1, {"model.recompute=block"}},
                                           Layout{"ExpertsOnTwoRanks", 2, {"parallel.expert=2"}},
                                           Layout{"ExpertsOnTwoRanksInShards", 2, {"parallel.expert=2", "parallel.shard=parameters"}},
                                           Layout{"ExpertsOnFourRanks", 4, {"parallel.expert=4"}}),
                         [](const auto& info) { return std::string(info.param.name); });

TEST(MoeMetrics, StepsReportTheLoadOfEveryExpert) {
  parallel::World& world = mpi_test::world();
  const SharedFolder folder(world);
  EXPECT_EQ(run(recipe(folder / "run", moe_overrides({"stop.steps=5"})), world), ExitCode::success);
  if (world.rank() != 0) return;
  for (const Json& line : metrics_of(folder / "run")) {
    if (!line.contains("loss")) continue;
    const auto load = line.at("expert_load").get<std::vector<double>>();
    EXPECT_EQ(load.size(), 8U);
    EXPECT_NEAR(std::accumulate(load.begin(), load.end(), 0.0), 1.0, 1e-12);
    EXPECT_GT(line.at("dead_experts").get<double>(), 0);
    EXPECT_GT(line.at("load_entropy").get<double>(), 0.5);
    EXPECT_NEAR(line.at("loss").get<double>(), line.at("cross_entropy").get<double>() + 0.05 * line.at("aux_loss").get<double>(), 1e-12);
  }
}

TEST(FrozenRouter, KeepsItsWeightsWhileTheRestLearns) {
  parallel::World& world = mpi_test::world();
  const SharedFolder folder(world);
  EXPECT_EQ(run(recipe(folder / "run", moe_overrides({"stop.steps=5", "model.router=frozen", "model.router_aux_loss=0"})), world), ExitCode::success);
  if (world.rank() != 0) return;
  const models::ModelDirectory before(moe_folder() / "model"), after(folder / "run" / "final");
  for (const char* layer : {"model.layers.0.", "model.layers.1."}) {
    const std::string gate = std::string(layer) + "block_sparse_moe.gate.weight", query = std::string(layer) + "self_attn.q_proj.weight";
    EXPECT_TRUE(after.tensor(gate).equal(before.tensor(gate)));
    EXPECT_FALSE(after.tensor(query).equal(before.tensor(query)));
  }
}

}  // namespace
}  // namespace phidias::trainer_test
