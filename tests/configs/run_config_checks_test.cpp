// Rules across keys, and keys whose feature comes later.
#include <gtest/gtest.h>

#include "tests/configs/recipe_text.h"

namespace phidias::configs {

TEST(RunConfigChecks, ExactlyOneModel) {
  EXPECT_EQ(recipe_errors(small_recipe_with("model: {path: a, preset: phi3-tiny}")),
            Lines{"r.yaml:8:26: model.preset: exactly one of model.path and model.preset may be given, both are"});
  EXPECT_EQ(recipe_errors(small_recipe_with("model: {dtype: auto}")), Lines{"r.yaml:8:8: model: exactly one of model.path and model.preset is required"});
}

TEST(RunConfigChecks, ExactlyOneOfSourcesAndMixture) {
  EXPECT_EQ(recipe_errors(small_recipe_with("data: {train: a, mixture: m.yaml}"), {"method=pretrain", "stop={steps: 1}"}),
            Lines{"r.yaml:8:27: data.mixture: exactly one of data.train and data.mixture may be given, both are"});
  EXPECT_EQ(recipe_errors(small_recipe_with("data: {max_length: 8}")), Lines{"r.yaml:8:7: data: exactly one of data.train and data.mixture is required"});
  const RunConfig config = read_recipe(small_recipe_with("data: {mixture: m.yaml}"), {"method=pretrain", "stop=null"});
  EXPECT_EQ(config.data.mixture, "m.yaml") << "and needs no stop: the last phase ends the run";
  EXPECT_EQ(read_recipe(dump_run_config(config)), config);
}

TEST(RunConfigChecks, AMixtureIsForPretrainingAndHasNoEpochs) {
  EXPECT_EQ(recipe_errors(small_recipe_with("data: {mixture: m.yaml, over_length: drop}"), {"stop={epochs: 1}"}),
            (Lines{"r.yaml:8:17: data.mixture: needs method: pretrain; other methods take data.train",
                   "r.yaml:8:38: data.over_length: documents of a mixture are cut into pieces: split, or leave it out",
                   "override 1: stop.epochs: a mixture has no epochs: its phases say their tokens"}));
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

TEST(RunConfigChecks, AdaptersNeedRankAndAlpha) {
  const std::string needs_both = "model.lora: needs model.lora.rank and model.lora.alpha, such as {rank: 16, alpha: 32}";
  for (const char* lora : {"{}", "{alpha: 32}", "{targets: [qkv_proj]}", "{rslora: true}"})
    EXPECT_EQ(recipe_errors(small_recipe_with("model: {path: m, lora: " + std::string(lora) + "}")), Lines{"r.yaml:8:24: " + needs_both}) << lora;
  EXPECT_EQ(recipe_errors(small_recipe_with("model: {path: m, lora: {rank: 8}}")),
            Lines{"r.yaml:8:24: model.lora: needs model.lora.alpha: the update is scaled by alpha / rank, and no alpha suits every rank"});
  EXPECT_EQ(recipe_errors(small_recipe_with("model: {path: m, lora: {rank: 0, alpha: 1}}")),
            Lines{"r.yaml:8:31: model.lora.rank: expected an integer, at least 1, found the number 0"});
  EXPECT_EQ(recipe_errors(small_recipe_with("model: {path: m, lora: {rank: 8, alpha: 16, targets: []}}")),
            Lines{"r.yaml:8:54: model.lora.targets: names no module; null gives all-linear"});
}

TEST(RunConfigChecks, AdaptersReachAllLinearLayersUnlessTold) {
  const LoraSection lora = read_recipe(kSmallRecipe, {"model.lora.rank=8", "model.lora.alpha=16"}).model.lora;
  EXPECT_EQ(lora.rank, 8);
  EXPECT_EQ(lora.alpha, 16.0);
  EXPECT_EQ(lora.targets, Lines{"all-linear"});
  EXPECT_EQ(read_recipe(kSmallRecipe, {"model.lora={rank: 8, alpha: 16, targets: [qkv_proj, o_proj]}"}).model.lora.targets, (Lines{"qkv_proj", "o_proj"}));
  EXPECT_EQ(read_recipe(kSmallRecipe).model.lora.rank, 0);
}

TEST(RunConfigChecks, AdaptersAreEitherNewOrReadAndNothingElseLearns) {
  EXPECT_EQ(recipe_errors(small_recipe_with("model: {path: m, adapter: a, lora: {rank: 8, alpha: 16}}")),
            Lines{"r.yaml:8:36: model.lora: model.adapter and model.lora exclude one another: the adapter's directory says rank, alpha and targets"});
  EXPECT_EQ(recipe_errors(small_recipe_with("model: {path: m, trainable: [a], lora: {rank: 8, alpha: 16}}")),
            Lines{"r.yaml:8:29: model.trainable: model.lora trains its adapters and nothing else; choose their places with model.lora.targets"});
  EXPECT_EQ(recipe_errors(small_recipe_with("model: {path: m, adapter: a}")), Lines{});
}

TEST(RunConfigChecks, AFrozenRouterHasNoLoadBalancingLoss) {
  EXPECT_EQ(recipe_errors(kSmallRecipe, {"model.router=frozen", "model.router_aux_loss=0.01"}),
            Lines{"override 2: model.router_aux_loss: needs a router that learns: model.router is frozen"});
  EXPECT_EQ(recipe_errors(kSmallRecipe, {"model.router=frozen", "model.router_aux_loss=0"}), Lines{});
  EXPECT_EQ(recipe_errors(kSmallRecipe, {"model.router=sparse"}),
            Lines{"override 1: model.router: expected one of sparsemixer, deterministic, frozen; found the text 'sparse'"});
}

TEST(RunConfigChecks, FeaturesThatComeLaterAreRefusedAtTheirLine) {
  const std::string kLater = " is not available in this version of the program";
  for (const char* method : {"reward", "dpo", "ppo", "longrope"})
    EXPECT_EQ(recipe_errors(small_recipe_with("method: " + std::string(method))), Lines{"r.yaml:8:9: method: '" + std::string(method) + "'" + kLater});
  for (const char* section : {"dpo", "reward", "ppo", "longrope"}) {
    const Lines errors = recipe_errors(kSmallRecipe + section + ": {beta: 0.1}\n");
    ASSERT_EQ(errors.size(), 1U);
    EXPECT_TRUE(errors[0].starts_with("r.yaml:8:1: ") && errors[0].ends_with(kLater)) << errors[0];
  }
  EXPECT_EQ(recipe_errors(kSmallRecipe + "parallel: {context: 4}\n"), Lines{"r.yaml:8:21: parallel.context: 4" + kLater + ", only 1 is"});
  EXPECT_EQ(recipe_errors(kSmallRecipe + "parallel: {shard: parameters, expert: 2, context: 1}\n"), Lines{});
  EXPECT_EQ(recipe_errors(small_recipe_with("data: {train: {path: a, kind: preference}}")), Lines{"r.yaml:8:31: data.train.kind: 'preference'" + kLater});
}

}  // namespace phidias::configs
