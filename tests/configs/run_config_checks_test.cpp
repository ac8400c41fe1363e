// Rules across keys, and keys whose feature comes later.
#include <gtest/gtest.h>

#include "tests/configs/recipe_text.h"

namespace phidias::configs {

TEST(RunConfigChecks, ExactlyOneModel) {
  EXPECT_EQ(recipe_errors(small_recipe_with("model: {path: a, preset: phi3-tiny}")),
            Lines{"r.yaml:8:26: model.preset: exactly one of model.path and model.preset may be given, both are"});
  EXPECT_EQ(recipe_errors(small_recipe_with("model: {dtype: auto}")), Lines{"r.yaml:8:8: model: exactly one of model.path and model.preset is required"});
}

TEST(RunConfigChecks, ExactlyOneBatchSize) {
  EXPECT_EQ(recipe_errors(small_recipe_with("batch: {documents: 1, tokens: 2}")),
            Lines{"r.yaml:8:31: batch.tokens: exactly one of batch.documents and batch.tokens may be given, both are"});
}

TEST(RunConfigChecks, UnknownPresetNamesTheNearest) {
  const Lines errors = recipe_errors(small_recipe_with("model: {preset: phi-3-mini-4}"));
  ASSERT_EQ(errors.size(), 1U);
  EXPECT_TRUE(errors[0].starts_with("r.yaml:8:17: model.preset: no preset 'phi-3-mini-4'; did you mean phi-3-mini-4k?")) << errors[0];
}

TEST(RunConfigChecks, MicroBatchHoldsTheLongestDocument) {
  const std::string recipe = small_recipe_with("data: {train: a, max_length: 4096}");
  EXPECT_EQ(recipe_errors(recipe, {"batch.micro_tokens=4095"}),
            Lines{"override 1: batch.micro_tokens: 4095 is below data.max_length, 4096: a document of that length would fit no micro-batch"});
  EXPECT_EQ(recipe_errors(recipe, {"batch.micro_tokens=4096"}), Lines{});
}

TEST(RunConfigChecks, StopByTimeNeedsAConstantRate) {
  EXPECT_EQ(recipe_errors(small_recipe_with("stop: {time: 2h}")),
            Lines{"r.yaml:8:14: stop.time: needs schedule.name: constant, because the course of any other rate would depend on the machine's speed"});
  const RunConfig config = read_recipe(small_recipe_with("stop: {time: 2h}"), {"schedule.name=constant"});
  EXPECT_EQ(config.stop.time_seconds, 7200.0);
  EXPECT_EQ(config.stop.first, "time");
}

TEST(RunConfigChecks, WsdNeedsItsDecayAndAnEndInSteps) {
  EXPECT_EQ(recipe_errors(small_recipe_with("stop: {steps: 10}"), {"schedule.name=wsd"}),
            Lines{"override 1: schedule: schedule.name: wsd needs schedule.decay_steps"});
  EXPECT_EQ(recipe_errors(kSmallRecipe, {"schedule.name=wsd", "schedule.decay_steps=5"}),
            Lines{"override 1: schedule.name: wsd needs stop.steps as the first key of stop: its decay is counted in steps from the end"});
  EXPECT_EQ(recipe_errors(kSmallRecipe, {"schedule.decay_steps=5"}), Lines{"override 1: schedule.decay_steps: belongs to schedule.name: wsd alone"});
  EXPECT_EQ(recipe_errors(small_recipe_with("stop: {steps: 10}"), {"schedule={name: wsd, warmup_steps: 6, decay_steps: 5}"}),
            Lines{"override 1: schedule.decay_steps: warm-up and decay together are longer than the run: 11 of 10 steps"});
  EXPECT_EQ(recipe_errors(small_recipe_with("stop: {steps: 10}"), {"schedule={name: wsd, warmup_steps: 5, decay_steps: 5}"}), Lines{});
}

TEST(RunConfigChecks, WarmupFitsTheRun) {
  EXPECT_EQ(recipe_errors(small_recipe_with("stop: {steps: 10}"), {"schedule.warmup_steps=11"}),
            Lines{"override 1: schedule.warmup_steps: the warm-up is longer than the run: 11 of 10 steps"});
  EXPECT_EQ(recipe_errors(kSmallRecipe, {"schedule.warmup_steps=1000000"}), Lines{});  // the length of an epoch is known later
}

TEST(RunConfigChecks, EvaluationNeedsAFile) {
  EXPECT_EQ(recipe_errors(kSmallRecipe, {"evaluation.every_steps=5", "checkpoint.keep_best=validation_loss"}),
            (Lines{"override 1: evaluation.every_steps: needs data.validation", "override 2: checkpoint.keep_best: needs data.validation"}));
}

TEST(RunConfigChecks, AddedTokensHaveDistinctIds) {
  EXPECT_EQ(recipe_errors(kSmallRecipe, {"model.add_tokens={a: 5, b: 5}"}), Lines{"override 1: model.add_tokens: 'a' and 'b' have the same id 5"});
}

TEST(RunConfigChecks, FeaturesThatComeLaterAreRefusedAtTheirLine) {
  const std::string kLater = " is not available in this version of the program";
  EXPECT_EQ(recipe_errors(small_recipe_with("model: {path: m, lora: {rank: 8}}")), Lines{"r.yaml:8:18: model.lora: LoRA" + kLater});
  for (const char* method : {"reward", "dpo", "ppo", "longrope"})
    EXPECT_EQ(recipe_errors(small_recipe_with("method: " + std::string(method))), Lines{"r.yaml:8:9: method: '" + std::string(method) + "'" + kLater});
  for (const char* key : {"adapter", "lora", "router", "router_jitter", "input_jitter", "router_aux_loss", "aux_counts"}) {
    const Lines errors = recipe_errors(kSmallRecipe, {"model." + std::string(key) + "=1"});
    ASSERT_EQ(errors.size(), 1U);
    EXPECT_NE(errors[0].find(kLater), std::string::npos) << errors[0];
  }
  for (const char* section : {"dpo", "reward", "ppo", "longrope"}) {
    const Lines errors = recipe_errors(kSmallRecipe + section + ": {beta: 0.1}\n");
    ASSERT_EQ(errors.size(), 1U);
    EXPECT_TRUE(errors[0].starts_with("r.yaml:8:1: ") && errors[0].ends_with(kLater)) << errors[0];
  }
  EXPECT_EQ(recipe_errors(kSmallRecipe + "parallel: {shard: gradients, expert: 2, context: 4}\n"),
            (Lines{"r.yaml:8:19: parallel.shard: 'gradients'" + kLater + ", only 'none' is", "r.yaml:8:38: parallel.expert: 2" + kLater + ", only 1 is",
                   "r.yaml:8:50: parallel.context: 4" + kLater + ", only 1 is"}));
  EXPECT_EQ(recipe_errors(kSmallRecipe + "parallel: {shard: none, expert: 1, context: 1}\n"), Lines{});
  EXPECT_EQ(recipe_errors(small_recipe_with("data: {train: {path: a, kind: preference}}")), Lines{"r.yaml:8:31: data.train.kind: 'preference'" + kLater});
}

}  // namespace phidias::configs
