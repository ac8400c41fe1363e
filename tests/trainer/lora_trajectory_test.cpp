// Ten steps of adapters against PEFT and torch (tests/golden/make_lora_goldens.py), as whole runs: frozen base, PEFT directories in and out, layouts.
#include <gtest/gtest.h>

#include <fstream>

#include "base/atomic_file.h"
#include "base/json.h"
#include "models/hub/safetensors.h"
#include "tests/support/mpi_test.h"
#include "tests/trainer/run_fixture.h"

namespace phidias::trainer_test {
namespace {

namespace fs = std::filesystem;

constexpr double kLossTolerance = 2e-5;  // losses about 5, ten updates of AdamW in float32
constexpr double kNormTolerance = 1e-4;  // relative

struct Layout {
  const char* name;
  const char* golden;
  int smallest_world;
  std::vector<std::string> overrides;
};

class LoraTrajectory : public ::testing::TestWithParam<Layout> {
 protected:
  LoraTrajectory() : folder_(mpi_test::world()), golden_(read_json(directory() / "golden.json")) {
    if (mpi_test::world().rank() == 0) {
      std::ofstream file(folder_ / "documents.jsonl");
      for (const Json& document : golden_["documents"]) file << Json({{"input_ids", document}}).dump() << "\n";
    }
    mpi_test::world().host().barrier();
  }
  fs::path directory() const { return golden_folder().parent_path() / "lora" / GetParam().golden; }

  configs::RunConfig lora_recipe(const std::vector<std::string>& more) {
    std::vector<std::string> overrides = {"model.path=" + (golden_folder().parent_path() / golden_["base"].get<std::string>()).string(),
                                          "model.adapter=" + directory().string(),
                                          "data.train=" + (folder_ / "documents.jsonl").string(),
                                          "batch.documents=2",
                                          "optimizer.learning_rate=" + golden_["rate"].dump(),
                                          "optimizer.clip_norm=" + golden_["clip"].dump(),
                                          "optimizer.weight_decay=" + golden_["weight_decay"].dump(),
                                          "schedule.name=constant",
                                          "schedule.warmup_steps=0",
                                          "schedule.min_ratio=0",
                                          "stop.steps=" + std::to_string(golden_["losses"].size())};
    overrides.insert(overrides.end(), GetParam().overrides.begin(), GetParam().overrides.end());
    overrides.insert(overrides.end(), more.begin(), more.end());
    return recipe(folder_ / "run", overrides);
  }

  void expect_trajectory() {
    const std::vector<double> losses = field_of_steps(folder_ / "run", "loss"), norms = field_of_steps(folder_ / "run", "grad_norm");
    ASSERT_EQ(losses.size(), golden_["losses"].size());
    for (std::size_t step = 0; step < losses.size(); ++step) {
      EXPECT_NEAR(losses[step], golden_["losses"][step].get<double>(), kLossTolerance) << "step " << step;
      EXPECT_NEAR(norms[step] / golden_["gradient_norms"][step].get<double>(), 1.0, kNormTolerance) << "step " << step;
    }
  }

  void expect_final_adapter() {
    const models::SafetensorsFile written(folder_ / "run" / "final" / "adapter_model.safetensors"), expected(directory() / "golden.tensors");
    const double rate = golden_["rate"];
    std::size_t compared = 0;
    for (const models::TensorEntry& entry : written.header().tensors) {
      ASSERT_NE(expected.find("last." + entry.name), nullptr) << entry.name;
      const double difference = written.tensor(entry.name).sub(expected.tensor("last." + entry.name)).abs().max().item<double>();
      EXPECT_LT(difference, 1e-3 * rate * 10) << entry.name;  // ten updates of size `rate`, each as exact as the gradient's direction
      ++compared;
    }
    EXPECT_GT(compared, 10U);
    EXPECT_FALSE(fs::exists(folder_ / "run" / "final" / "model.safetensors"));
  }

  SharedFolder folder_;
  Json golden_;
};

TEST_P(LoraTrajectory, EqualsPeftAtEveryStep) {
  parallel::World& world = mpi_test::world();
  if (world.size() < GetParam().smallest_world) GTEST_SKIP() << "needs " << GetParam().smallest_world << " ranks";
  EXPECT_EQ(run(lora_recipe({}), world), ExitCode::success);
  if (world.rank() != 0) return;
  expect_trajectory();
  expect_final_adapter();
}

TEST_P(LoraTrajectory, ContinuesFromACheckpointOfAdapters) {
  parallel::World& world = mpi_test::world();
  if (world.size() < GetParam().smallest_world) GTEST_SKIP() << "needs " << GetParam().smallest_world << " ranks";
  EXPECT_EQ(run(lora_recipe({"stop.steps=4"}), world), ExitCode::success);
  EXPECT_EQ(run(lora_recipe({}), world), ExitCode::success);
  if (world.rank() == 0) expect_trajectory();
}

INSTANTIATE_TEST_SUITE_P(Layouts, LoraTrajectory,
                         ::testing::Values(Layout{"Dense", "all_linear", 1, {}}, Layout{"DenseInShards", "all_linear", 2, {"parallel.shard=parameters"}},
                                           Layout{"Mixture", "moe", 1, {"model.router=deterministic", "model.router_aux_loss=0"}},
                                           Layout{
                                               "MixtureOnTwoRanks", "moe", 2, {"model.router=deterministic", "model.router_aux_loss=0", "parallel.expert=2"}},
                                           Layout{"MixtureOnTwoRanksInShards",
                                                  "moe",
                                                  2,
                                                  {"model.router=deterministic", "model.router_aux_loss=0", "parallel.expert=2", "parallel.shard=gradients",
                                                   "model.recompute=block"}}),
                         [](const auto& info) { return std::string(info.param.name); });

}  // namespace
}  // namespace phidias::trainer_test
