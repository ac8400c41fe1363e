// Twenty steps against transformers and torch (tests/golden/make_trajectory_goldens.py), on every layout of the work.
#include <gtest/gtest.h>

#include <cmath>

#include "base/json.h"
#include "tests/support/mpi_test.h"
#include "tests/trainer/run_fixture.h"

namespace phidias::trainer_test {
namespace {

// Losses are about 4, where float32 has steps of 2.4e-7; twenty updates of AdamW, which divides by the root of the second moment, amplify the order of
// summation. Differences stay below 2e-6 on one processor; the goal leaves room for others (their products sum in another order).
constexpr double kLossTolerance = 2e-5;
// Norms are about 2 and react to weights more strongly than the loss: below 1e-5 here.
constexpr double kNormTolerance = 1e-4;

struct Layout {
  const char* name;
  std::vector<std::string> overrides;
};

class Trajectory : public ::testing::TestWithParam<Layout> {};

void expect_trajectory(const std::filesystem::path& output) {
  const Json expected = read_json(golden_folder() / "expected.json");
  const std::vector<double> loss = field_of_steps(output, "loss"), norm = field_of_steps(output, "grad_norm"), rate = field_of_steps(output, "learning_rate"),
                            targets = field_of_steps(output, "target_tokens");
  ASSERT_EQ(loss.size(), expected["loss"].size());
  for (std::size_t step = 0; step < loss.size(); ++step) {
    EXPECT_NEAR(loss[step], expected["loss"][step].get<double>(), kLossTolerance) << "step " << step;
    EXPECT_NEAR(norm[step], expected["grad_norm"][step].get<double>(), kNormTolerance) << "step " << step;
    EXPECT_NEAR(rate[step], expected["learning_rate"][step].get<double>(), 1e-15) << "step " << step;
    EXPECT_EQ(targets[step], expected["target_tokens"][step].get<double>()) << "step " << step;
  }
  EXPECT_NEAR(last_value(output, "validation_loss"), expected["validation_after"].get<double>(), kLossTolerance);
}

TEST_P(Trajectory, EqualsTransformersAtEveryStep) {
  parallel::World& world = mpi_test::world();
  const SharedFolder folder(world);
  std::vector<std::string> overrides = GetParam().overrides;
  overrides.push_back("data.validation=" + (golden_folder() / "validation.jsonl").string());
  EXPECT_EQ(run(recipe(folder / "run", overrides), world), ExitCode::success);
  if (world.rank() == 0) expect_trajectory(folder / "run");
}

INSTANTIATE_TEST_SUITE_P(Layouts, Trajectory,
                         ::testing::Values(Layout{"OneMicroBatchOfEight", {}}, Layout{"TwoOfFour", {"batch.micro_documents=4"}},
                                           Layout{"EightOfOne", {"batch.micro_documents=1"}}, Layout{"PackedIntoSmallBins", {"batch.micro_tokens=64"}},
                                           Layout{"Unpacked", {"data.packing=false"}}, Layout{"RecomputedBlocks", {"model.recompute=block"}}),
                         [](const auto& info) { return std::string(info.param.name); });

}  // namespace
}  // namespace phidias::trainer_test
