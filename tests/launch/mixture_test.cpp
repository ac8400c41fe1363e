// From kept lines to a run in two phases, as a user does it.
#include "tests/launch/program.h"

namespace phidias::launch {
namespace {

class Mixture : public ProgramTest {
 protected:
  void SetUp() override {
    ProgramTest::SetUp();
    for (const char* shard : {"a", "b"}) {
      std::string lines;
      for (int i = 0; i < 60; ++i) {
        std::string text;
        for (int w = 0; w < 5 + i * 7 % 30; ++w) text += (w > 0 ? " word" : "word") + std::to_string((i + w) % 7);
        lines += Json({{"id", shard + std::to_string(i)}, {"text", text}, {"source", "web"}, {"annotations", {{"score", i % 10}}}}).dump() + "\n";
      }
      write_text(folder_ / "kept" / (std::string(shard) + ".jsonl"), lines);
    }
    write_mixture("disjoint_from: general, ");
    write_text(folder_ / "recipe.yaml",
               "method: pretrain\nrun: {output: run}\nmodel: {preset: phi3-quickstart, tokenizer: " + tokenizer_ +
                   ", dtype: float32}\ndata: {mixture: mixture.yaml, max_length: 256}\nbatch: {tokens: 400, micro_tokens: 400}\noptimizer: {learning_rate: "
                   "1.0e-3}\n");
  }
  void write_mixture(const std::string& second) {
    write_text(folder_ / "mixture.yaml",
               "sources: {web: tokens}\nphases:\n  - {name: general, tokens: 1600, sources: {web: 1}}\n  - {name: reasoning, tokens: 800, " + second +
                   "sources: {web: {weight: 1, where: {score: {minimum: 4}}}}}\n");
  }
  ProgramResult tokenise() { return phidias("data tokenize kept --model " + tokenizer_ + " --columns score --output tokens --json"); }

  const std::string tokenizer_ = PHIDIAS_SOURCE_DIR "/recipes/quickstart/tokenizer";
};

TEST_F(Mixture, GoesFromKeptLinesToTheEndOfTheLastPhase) {
  const ProgramResult tokens = tokenise();
  ASSERT_EQ(tokens.code, 0) << tokens.err;
  EXPECT_EQ(Json::parse(tokens.out)["documents"], 120);
  EXPECT_EQ(Json::parse(tokenise().out)["shards_found"], 2) << "a second time finds both";
  const ProgramResult plan = phidias("data mixture mixture.yaml --json");
  ASSERT_EQ(plan.code, 0) << plan.err;
  const Json planned = Json::parse(plan.out);
  EXPECT_EQ(planned["overlaps"][0]["documents"], 0);
  EXPECT_EQ(planned["phases"][1]["sources"][0]["outside_where"], 48) << "scores 0 to 3 of ten";
  EXPECT_NE(phidias("data mixture mixture.yaml").out.find("phase reasoning: "), std::string::npos);

  const ProgramResult run = phidias("train recipe.yaml");
  ASSERT_EQ(run.code, 0) << run.err;
  const Json last = read_lines(folder_ / "run/metrics.jsonl").back();
  // data mixture assumes a seed of 0 and whole documents, as this run has.
  for (const Json& phase : planned["phases"]) EXPECT_EQ(last["source_tokens"][phase["name"].get<std::string>()]["web"], phase["sources"][0]["tokens"]);
  EXPECT_EQ(last["phase"], "reasoning");
  EXPECT_EQ(phidias("recipes validate run/config.yaml").code, 0);
  EXPECT_EQ(phidias("report run").code, 0);
}

TEST_F(Mixture, MistakesEndBeforeTheFirstStep) {
  EXPECT_EQ(phidias("data mixture mixture.yaml").code, 3) << "no tokens yet";
  ASSERT_EQ(tokenise().code, 0);
  write_mixture("");
  for (const char* command : {"data mixture mixture.yaml", "train recipe.yaml"}) {
    const ProgramResult overlap = phidias(command);
    EXPECT_EQ(overlap.code, 2) << command;
    EXPECT_NE(overlap.err.find("leave them out with `disjoint_from`, or declare `reuse_epochs`"), std::string::npos) << overlap.err;
  }
  write_mixture("disjoint_from: general, context: 512, ");
  const ProgramResult context = phidias("train recipe.yaml");
  EXPECT_NE(context.err.find("a context of 512 is more than data.max_length, 256"), std::string::npos) << context.err;
  const ProgramResult method = phidias("train recipe.yaml method=sft");
  EXPECT_NE(method.err.find("data.mixture: needs method: pretrain"), std::string::npos) << method.err;
  EXPECT_EQ(phidias("data tokenize kept --model " + tokenizer_ + " --output tokens").code, 2) << "other columns into the same folder";
  EXPECT_EQ(phidias("plan recipe.yaml --gpu cpu").code, 0) << "a plan needs no data";
}

}  // namespace
}  // namespace phidias::launch
