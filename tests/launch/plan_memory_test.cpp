// Planned memory against the peak that training measures, on this machine's CPU.
#include "tests/launch/program.h"

namespace phidias::launch {
namespace {

constexpr double kTolerance = 0.10;  // of the measured peak: the promise of `phidias plan`

class PlanMemory : public ProgramTest {
 protected:
  // 66 million parameters in float32, 2,048 tokens a micro-batch.
  void SetUp() override {
    ProgramTest::SetUp();
    std::ofstream file(folder_ / "tokens.jsonl");
    for (int document = 0; document < 8; ++document) {
      file << "{\"input_ids\": [7";
      for (int i = 1; i < 512; ++i) file << ", " << (document * 7919 + i * 104729) % 4000;  // ids of both vocabularies
      file << "]}\n";
    }
    write_text(folder_ / "recipe.yaml",
               "method: pretrain\nrun: {output: run}\nmodel: {preset: phi3-60m, dtype: float32}\ndata: {train: tokens.jsonl, max_length: 512}\n"
               "batch: {documents: 4, micro_tokens: 2048}\noptimizer: {learning_rate: 1.0e-3}\nschedule: {name: constant}\nstop: {steps: 2}\n"
               "checkpoint: {resume: never}\nlog: {tensorboard: false}\n");
  }

  void compare(const std::string& overrides) {
    const ProgramResult planned = phidias("plan recipe.yaml --gpu cpu --gpus 1 --json " + overrides);
    ASSERT_EQ(planned.code, 0) << planned.err;
    const ProgramResult trained = phidias("train recipe.yaml " + overrides);
    ASSERT_EQ(trained.code, 0) << trained.err;
    const double expected = Json::parse(planned.out)["memory_bytes_per_rank"]["total"];
    double measured = 0;  // resident bytes of the process at their highest
    for (const Json& line : read_lines(folder_ / "run/metrics.jsonl"))
      if (line.contains("memory")) measured = std::max(measured, line["memory"].get<double>());
    std::printf("%s: planned %.0f MB, measured %.0f MB, ratio %.3f\n%s\n", overrides.c_str(), expected / 1e6, measured / 1e6, expected / measured,
                Json::parse(planned.out)["memory_bytes_per_rank"].dump().c_str());
    EXPECT_NEAR(expected, measured, kTolerance * measured);
  }
};

TEST_F(PlanMemory, IsWithinTenPerCentWithoutRecomputation) { compare("model.recompute=none"); }
TEST_F(PlanMemory, IsWithinTenPerCentWithRecomputedBlocks) { compare("model.recompute=block"); }
TEST_F(PlanMemory, IsWithinTenPerCentForAMixtureOfExperts) { compare("model.preset=phimoe-bench model.recompute=none"); }

}  // namespace
}  // namespace phidias::launch
