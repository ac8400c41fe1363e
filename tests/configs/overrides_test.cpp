#include "configs/overrides.h"

#include <gtest/gtest.h>

#include "tests/configs/recipe_text.h"

namespace phidias::configs {

TEST(Overrides, ReplaceValuesAndMakeSections) {
  const RunConfig config = read_recipe(kSmallRecipe, {"optimizer.learning_rate=3e-4", "schedule.warmup_steps=1_0", "run.output=runs/a b=c"});
  EXPECT_EQ(config.optimizer.learning_rate, 3e-4);
  EXPECT_EQ(config.schedule.warmup_steps, 10);
  EXPECT_EQ(config.run.output, "runs/a b=c");
}

TEST(Overrides, ValuesAreTextUnlessTheyOpenAYamlValue) {
  EXPECT_EQ(read_recipe(kSmallRecipe, {"run.output=*.x: # &"}).run.output, "*.x: # &");
  EXPECT_EQ(read_recipe(kSmallRecipe, {"run.output='null'"}).run.output, "null");
  EXPECT_EQ(read_recipe(kSmallRecipe, {"optimizer.betas=[0.5, 0.6]"}).optimizer.betas, (std::vector<double>{0.5, 0.6}));
}

TEST(Overrides, SourcesMayBeAFileAListOrSections) {
  EXPECT_EQ(read_recipe(kSmallRecipe, {"data.train=a.jsonl"}).data.train, (std::vector<DataSource>{{"a.jsonl", 1.0, "auto"}}));
  EXPECT_EQ(read_recipe(kSmallRecipe, {"data.train=[a.jsonl,b.jsonl]"}).data.train,
            (std::vector<DataSource>{{"a.jsonl", 1.0, "auto"}, {"b.jsonl", 1.0, "auto"}}));
  EXPECT_EQ(read_recipe(kSmallRecipe, {"data.train=[{path: a, weight: 2}]"}).data.train, (std::vector<DataSource>{{"a", 2.0, "auto"}}));
}

TEST(Overrides, NullGivesTheDefaultBack) {
  EXPECT_EQ(read_recipe(small_recipe_with("log: {every_steps: 7}"), {"log.every_steps=null"}).log.every_steps, 1);
  EXPECT_EQ(read_recipe(small_recipe_with("log: {every_steps: 7}"), {"log="}).log.every_steps, 1);
  const RunConfig config = read_recipe(kSmallRecipe, {"stop.epochs=null", "stop.steps=5"});
  EXPECT_FALSE(config.stop.epochs.has_value());
  EXPECT_EQ(config.stop.first, "steps");
  EXPECT_EQ(recipe_errors(kSmallRecipe, {"run.output=null"}),
            Lines{"override 1: run.output: required: run directory (created): metrics, checkpoints, `final/`"});
}

TEST(Overrides, LaterOnesWin) { EXPECT_EQ(read_recipe(kSmallRecipe, {"run.seed=1", "run.seed=2"}).run.seed, 2); }

TEST(Overrides, AWrongValueInTheFileCanBeRepaired) { EXPECT_EQ(recipe_errors(small_recipe_with("batch: {documents: many}"), {"batch.documents=4"}), Lines{}); }

TEST(Overrides, MeetTheSameChecksAsTheFile) {
  EXPECT_EQ(recipe_errors(kSmallRecipe, {"stop.step=5", "run.seed=-1", "dpo.beta=1"}),
            (Lines{"override 1: stop.step: unknown key; did you mean stop.steps?", "override 2: run.seed: expected an integer, at least 0, found the number -1",
                   "override 3: dpo: direct preference optimisation is not available in this version of the program"}));
}

TEST(Overrides, MalformedOnesAreNamedByNumber) {
  const Lines errors = recipe_errors(kSmallRecipe, {"steps", "=5", "a..b=1", "data.train.path=x", "optimizer.betas=[1", ".=1"});
  EXPECT_EQ(errors,
            (Lines{"override 1: expected key.path=value, found 'steps'", "override 2: expected key.path=value, found '=5'",
                   "override 3: a..b: expected a key path such as optimizer.learning_rate",
                   "override 4: data.train: is the text 'chats.jsonl' here, no section: give it whole",
                   "override 5: not valid YAML: end of sequence flow not found", "override 6: .: expected a key path such as optimizer.learning_rate"}));
}

}  // namespace phidias::configs
