#include <gtest/gtest.h>

#include <filesystem>

#include "tests/configs/recipe_text.h"

namespace phidias::configs {

TEST(ReadRunConfig, FillsEverySectionFromTheFile) {
  const RunConfig config = read_recipe(R"(
method: pretrain
run: {name: first, output: runs/x, seed: 7, deterministic: true}
model: {preset: phi3-tiny, tokenizer: tok, dtype: bfloat16, recompute: mlp, window: inclusive, train_pad_embedding: false, trainable: ["*.mlp.*"], add_tokens: {"<|x|>": 250}}
data:
  train:
    - a.jsonl
    - {path: b.jsonl, weight: 0.5, kind: text}
  validation: c.jsonl
  max_length: 2_048
  over_length: drop
  packing: false
  template: phi-3.5
  train_on: all
  special_tokens_in_content: error
  shuffle: false
  on_error: skip
  cache: cache
batch: {tokens: 1e5, micro_tokens: 4096, micro_documents: 3}
optimizer: {learning_rate: 1e-5, betas: [0.8, 0.99], eps: 1e-6, weight_decay: 0, decay: all, clip_norm: 0, state_dtype: bfloat16}
schedule: {name: wsd, warmup_steps: 10, min_ratio: 0.1, decay_steps: 20}
parallel: {data: 2, backend: mpi, timeout_seconds: 5}
stop: {steps: 100, tokens: 1_000_000}
checkpoint: {every_steps: 10, keep: 1, keep_best: validation_loss, resume: never}
evaluation: {every_steps: 5, at_start: false, max_documents: 9}
log: {every_steps: 2, tensorboard: false}
divergence: {max_bad_steps: 0}
)");
  EXPECT_EQ(config.method, Method::pretrain);
  EXPECT_EQ(config.run, (RunSection{"first", "runs/x", 7, true}));
  EXPECT_EQ(config.model,
            (ModelSection{"", "phi3-tiny", "tok", DType::bfloat16, RecomputePolicy::mlp, WindowRule::inclusive, AutoBool::no, {"*.mlp.*"}, {{"<|x|>", 250}}}));
  EXPECT_EQ(config.data, (DataSection{{{"a.jsonl", 1.0, "auto"}, {"b.jsonl", 0.5, "text"}},
                                      {{"c.jsonl", 1.0, "auto"}},
                                      {},
                                      2048,
                                      OverLength::drop,
                                      false,
                                      "phi-3.5",
                                      TrainOn::all,
                                      SpecialTokensInContent::error,
                                      false,
                                      OnError::skip,
                                      "cache"}));
  EXPECT_EQ(config.batch, (BatchSection{0, 100000, 4096, 3}));
  EXPECT_EQ(config.optimizer, (OptimizerSection{"adamw", 1e-5, {0.8, 0.99}, 1e-6, 0, Decay::all, 0, StateDType::bfloat16}));
  EXPECT_EQ(config.schedule, (ScheduleSection{ScheduleName::wsd, 10, 0.1, 20}));
  EXPECT_EQ(config.parallel, (ParallelSection{2, 1, 1, Shard::none, Backend::mpi, 5}));
  EXPECT_EQ(config.stop, (StopSection{100, 1000000, {}, {}, "steps"}));
  EXPECT_EQ(config.checkpoint, (CheckpointSection{10, 1, "validation_loss", Resume::never}));
  EXPECT_EQ(config.evaluation, (EvaluationSection{5, false, 9}));
  EXPECT_EQ(config.log, (LogSection{2, false}));
  EXPECT_EQ(config.divergence, DivergenceSection{0});
}

TEST(ReadRunConfig, KeysLeftOutOrNullHaveTheirDefaults) {
  const RunConfig config = read_recipe(kSmallRecipe);
  RunConfig expected;
  expected.run = {"r", "runs/x", 0, false};  // the name is the file's
  expected.model.path = "model";
  expected.data.train = {{"chats.jsonl", 1.0, "auto"}};
  expected.batch.documents = 8;
  expected.optimizer.learning_rate = 1e-5;
  expected.stop.epochs = 1.0;
  expected.stop.first = "epochs";
  EXPECT_EQ(config, expected);
  EXPECT_EQ(read_recipe(kSmallRecipe + "schedule:\nlog: null\nparallel: {data: null}\n"), expected);
  EXPECT_EQ(read_recipe(kSmallRecipe + "parallel: {data: auto}\n"), expected);
}

TEST(ReadRunConfig, ThreeMistakesGiveThreeLines) {
  EXPECT_EQ(recipe_errors("method: sft\n"
                          "run: {output: runs/x}\n"
                          "model: {path: m}\n"
                          "data: {train: c.jsonl}\n"
                          "batch: {documents: eight}\n"
                          "optimizer:\n"
                          "  learning_rate: 1e-5\n"
                          "  weight_dekay: 0.1\n"
                          "schedule: {name: cosin}\n"
                          "stop: {epochs: 1}\n"),
            (Lines{"r.yaml:5:20: batch.documents: expected an integer, at least 1, found the text 'eight'",
                   "r.yaml:8:3: optimizer.weight_dekay: unknown key; did you mean optimizer.weight_decay?",
                   "r.yaml:9:18: schedule.name: expected one of constant, linear, cosine, wsd, inverse_sqrt; found the text 'cosin'; did you mean cosine?"}));
}

TEST(ReadRunConfig, WrongTypesNameWhatWasFound) {
  EXPECT_EQ(recipe_errors(small_recipe_with("log: {every_steps: 3.5}")),
            Lines{"r.yaml:8:20: log.every_steps: expected an integer, at least 1, found the number 3.5"});
  EXPECT_EQ(recipe_errors(small_recipe_with("log: {every_steps: '3'}")),
            Lines{"r.yaml:8:20: log.every_steps: expected an integer, at least 1, found the text '3'"});
  EXPECT_EQ(recipe_errors(small_recipe_with("log: {every_steps: [1, 2]}")),
            Lines{"r.yaml:8:20: log.every_steps: expected an integer, at least 1, found a list of 2"});
  EXPECT_EQ(recipe_errors(small_recipe_with("log: {tensorboard: yes}")), Lines{"r.yaml:8:20: log.tensorboard: expected true or false, found the text 'yes'"});
  EXPECT_EQ(recipe_errors(small_recipe_with("log: on")), Lines{"r.yaml:8:6: log: expected a section (key: value), found the text 'on'"});
  EXPECT_EQ(recipe_errors(small_recipe_with("run: {output: {a: b}}")), Lines{"r.yaml:8:15: run.output: expected a text, found a section"});
  EXPECT_EQ(recipe_errors(small_recipe_with("run: {output: ''}")),
            Lines{"r.yaml:8:15: run.output: expected a text, found an empty one (null gives the default)"});
  EXPECT_EQ(recipe_errors(small_recipe_with("data: {train: [[a]]}")),
            Lines{"r.yaml:8:16: data.train[0]: expected a path or a section with a path, found a list of 1"});
}

TEST(ReadRunConfig, RangesAreTold) {
  EXPECT_EQ(recipe_errors(small_recipe_with("optimizer: {learning_rate: 0}")),
            Lines{"r.yaml:8:28: optimizer.learning_rate: expected a number, above 0, found the number 0"});
  EXPECT_EQ(recipe_errors(small_recipe_with("optimizer: {learning_rate: 1, betas: [0.9, 1]}")),
            Lines{"r.yaml:8:44: optimizer.betas[1]: expected a number, at least 0 and below 1, found the number 1"});
  EXPECT_EQ(recipe_errors(small_recipe_with("optimizer: {learning_rate: 1, betas: [0.9]}")),
            Lines{"r.yaml:8:38: optimizer.betas: expected a list of 2, each a number, at least 0 and below 1, found a list of 1"});
  EXPECT_EQ(recipe_errors(small_recipe_with("optimizer: {learning_rate: .inf}")),
            Lines{"r.yaml:8:28: optimizer.learning_rate: expected a number, above 0, found the text '.inf'"});
  EXPECT_EQ(
      recipe_errors(small_recipe_with("run: {output: x, seed: 010}")),
      Lines{"r.yaml:8:24: run.seed: expected an integer, at least 0, found the text '010' (leading zeros are refused, some readers take them for octal)"});
  EXPECT_EQ(recipe_errors(small_recipe_with("run: {output: x, seed: 0x10}")),
            Lines{"r.yaml:8:24: run.seed: expected an integer, at least 0, found the text '0x10' (write it as a decimal number)"});
}

TEST(ReadRunConfig, RequiredKeysAreNamedWithTheirSection) {
  const Lines errors = recipe_errors("run:\n  seed: 1\n");
  EXPECT_EQ(errors,
            (Lines{"r.yaml:2:3: run.output: required: run directory (created): metrics, checkpoints, `final/`", "r.yaml: method: required: what is trained",
                   "r.yaml: optimizer.learning_rate: required: peak rate", "r.yaml: model: exactly one of model.path and model.preset is required",
                   "r.yaml: batch: exactly one of batch.documents and batch.tokens is required",
                   "r.yaml: data: exactly one of data.train and data.mixture is required",
                   "r.yaml: stop: at least one of stop.steps, stop.epochs, stop.tokens and stop.time is required"}));
  EXPECT_EQ(recipe_errors(""), recipe_errors("# nothing\n"));
  EXPECT_EQ(recipe_errors(small_recipe_with("data: {train: []}")), Lines{"r.yaml:8:15: data.train: required: sources to train on"});
}

TEST(ReadRunConfig, UnknownKeysNameTheNearestAlsoOfAnotherSection) {
  EXPECT_EQ(recipe_errors(kSmallRecipe + "learning_rate: 1\n"), Lines{"r.yaml:8:1: learning_rate: unknown key; did you mean optimizer.learning_rate?"});
  EXPECT_EQ(recipe_errors(kSmallRecipe + "shedule: {}\n"), Lines{"r.yaml:8:1: shedule: unknown key; did you mean schedule?"});
  EXPECT_EQ(recipe_errors(kSmallRecipe + "log: {warmup_steps: 3}\n"), Lines{"r.yaml:8:7: log.warmup_steps: unknown key; did you mean schedule.warmup_steps?"});
  EXPECT_EQ(recipe_errors(kSmallRecipe + "log: {colour: red}\n"), Lines{"r.yaml:8:7: log.colour: unknown key; valid here: every_steps, tensorboard"});
  EXPECT_EQ(recipe_errors(small_recipe_with("data: {train: [{path: a, wieght: 2}]}")),
            Lines{"r.yaml:8:26: data.train[0].wieght: unknown key; did you mean data.train[0].weight?"});
}

TEST(ReadRunConfig, FilesThatAreNoRecipes) {
  EXPECT_EQ(recipe_errors("just text"), Lines{"r.yaml:1:1: expected sections (key: value), found the text 'just text'"});
  EXPECT_EQ(recipe_errors("[1, 2]"), Lines{"r.yaml:1:1: expected sections (key: value), found a list of 2"});
  EXPECT_EQ(recipe_errors("method: sft\nrun: {output: \"\xff\"}\n"), Lines{"r.yaml:2: is not UTF-8 text"});
  EXPECT_EQ(recipe_errors(std::string("a: b\0c", 6)), Lines{"r.yaml:1: is not UTF-8 text"});
  EXPECT_THROW(read_run_config("/nonexistent/recipe.yaml", {}), ConfigError);
  EXPECT_THROW(read_run_config(std::filesystem::temp_directory_path().string(), {}), ConfigError);
  EXPECT_THROW(read_run_config("/dev/zero", {}), ConfigError);
}

}  // namespace phidias::configs
