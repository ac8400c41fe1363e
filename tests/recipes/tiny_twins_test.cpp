// Recipes of the large models run on a tiny model of the same architecture: the shipped file with another model, other data and a few steps.
#include "tests/launch/program.h"

namespace phidias::launch {
namespace {

class TinyTwins : public ProgramTest {
 protected:
  void SetUp() override {
    ProgramTest::SetUp();
    std::string lines;  // token ids that need no tokenizer; a sum that a model can learn
    for (int record = 0; record < 24; ++record) {
      std::string ids;
      for (int i = 0; i < 40 + record; ++i) ids += (i > 0 ? "," : "") + std::to_string(3 + (i * (1 + record % 5)) % 200);
      lines += "{\"input_ids\":[" + ids + ",2]}\n";
    }
    write_text(folder_ / "tokens.jsonl", lines);
  }

  // Three steps of a recipe; its own parallel section unless `more` says otherwise.
  ProgramResult train(const std::string& recipe, const std::string& preset, const std::string& more, int ranks) {
    const ProgramResult made = phidias("init --preset " + preset + " --output model");
    EXPECT_EQ(made.code, 0) << made.err;
    const std::string prefix = ranks == 1 ? "" : PHIDIAS_SOURCE_DIR "/launch/mpirun.sh -n " + std::to_string(ranks);
    return phidias("train " PHIDIAS_SOURCE_DIR "/recipes/" + recipe +
                       ".yaml model.path=model model.dtype=float32 data.train=tokens.jsonl data.max_length=128 batch.documents=8 'stop={steps: 3}' "
                       "schedule.warmup_steps=1 optimizer.learning_rate=1e-3 run.output=run " +
                       more,
                   prefix);
  }

  void expect_three_finite_steps() {
    int steps = 0;
    for (const Json& line : read_lines(folder_ / "run/metrics.jsonl"))
      if (line.contains("loss")) {
        EXPECT_TRUE(line["loss"].is_number() && line["loss"].get<double>() > 0.0 && line["loss"].get<double>() < 20.0) << line.dump();
        ++steps;
      }
    EXPECT_EQ(steps, 3);
  }
};

TEST_F(TinyTwins, MoeLoraLeavesAdaptersOfAttentionAndExperts) {
  const ProgramResult result = train("moe/phi-3.5-moe-lora", "phimoe-tiny", "parallel.expert=2", 2);
  ASSERT_EQ(result.code, 0) << result.err;
  expect_three_finite_steps();
  const Json adapter = read_json(folder_ / "run/final/adapter_config.json");
  EXPECT_EQ(adapter.at("r"), 16);
  const std::string weights = slurp(folder_ / "run/final/adapter_model.safetensors");
  for (const char* module : {"self_attn.q_proj", "experts.0.w1", "experts.3.w2"}) EXPECT_NE(weights.find(module), std::string::npos) << module;
  EXPECT_EQ(weights.find("lm_head"), std::string::npos);
}

TEST_F(TinyTwins, MoeFullLosesNoExpert) {
  const ProgramResult result = train("moe/phi-3.5-moe-full", "phimoe-tiny", "parallel.expert=2", 2);
  ASSERT_EQ(result.code, 0) << result.err;
  expect_three_finite_steps();
  const std::string weights = slurp(folder_ / "run/final/model.safetensors");
  for (int expert = 0; expert < 4; ++expert)
    EXPECT_NE(weights.find("model.layers.1.block_sparse_moe.experts." + std::to_string(expert) + ".w3.weight"), std::string::npos) << expert;
}

TEST_F(TinyTwins, PhiSmallTrainsShardedOverTwoRanks) {
  const ProgramResult result = train("sft/phi-3-small", "phi3small-tiny", "", 2);
  ASSERT_EQ(result.code, 0) << result.err;
  expect_three_finite_steps();
  EXPECT_EQ(read_json(folder_ / "run/final/config.json").at("model_type"), "phi3small");
}

TEST_F(TinyTwins, PhiMediumTrainsShardedOverTwoRanks) {
  const ProgramResult result = train("sft/phi-3-medium", "phi3-tiny-gqa", "", 2);
  ASSERT_EQ(result.code, 0) << result.err;
  expect_three_finite_steps();
}

}  // namespace
}  // namespace phidias::launch
