#include "trainer/checkpoint/recipe_rules.h"

#include <gtest/gtest.h>

#include "base/error.h"

namespace phidias::trainer {
namespace {

const char* const kRecipe =
    "method: sft\n"
    "run:\n  output: runs/a\n  seed: 3\n"
    "data:\n  train:\n    - path: a.jsonl\n      weight: 1\n  shuffle: true\n"
    "batch:\n  documents: 8\n  micro_tokens: 512\n"
    "optimizer:\n  learning_rate: 0.001\n"
    "stop:\n  steps: 20\n";

std::string replaced(std::string text, const std::string& from, const std::string& to) { return text.replace(text.find(from), from.size(), to); }

RecipeChanges changes(const std::string& from, const std::string& to) {
  return compare_recipes(recipe_keys(kRecipe), recipe_keys(replaced(kRecipe, from, to)));
}

TEST(RecipeRules, KeysOfNestedListsAreCompared) {
  const RecipeKeys keys = recipe_keys(kRecipe);
  EXPECT_EQ(keys.at("method").at(""), "sft");
  EXPECT_EQ(keys.at("data").at("train"), "- path: a.jsonl weight: 1");
  EXPECT_EQ(keys.at("data").at("shuffle"), "true");
}

TEST(RecipeRules, AnEqualRecipeHasNoChanges) {
  const RecipeChanges none = compare_recipes(recipe_keys(kRecipe), recipe_keys(kRecipe));
  EXPECT_TRUE(none.warnings.empty() && none.errors.empty());
}

TEST(RecipeRules, StopAndTheOutputFolderMayDiffer) {
  EXPECT_TRUE(changes("steps: 20", "steps: 40").errors.empty());
  EXPECT_TRUE(changes("runs/a", "runs/b").errors.empty());
}

TEST(RecipeRules, AKeyOfALaterVersionAtItsUnsetDefaultIsNoChange) {
  EXPECT_TRUE(changes("  shuffle: true\n", "  shuffle: true\n  mixture: null\n").errors.empty());
  EXPECT_EQ(changes("  shuffle: true\n", "  shuffle: true\n  mixture: m.yaml\n").errors.at(0), "data.mixture: not set in the checkpoint, m.yaml now");
}

TEST(RecipeRules, OptimizerAndMicroBatchesWarn) {
  EXPECT_EQ(changes("0.001", "0.002").warnings.size(), 1u);
  EXPECT_EQ(changes("micro_tokens: 512", "micro_tokens: 64").warnings.size(), 1u);
  EXPECT_TRUE(changes("micro_tokens: 512", "micro_tokens: 64").errors.empty());
}

TEST(RecipeRules, OtherDataOrAnotherBatchIsAnErrorThatNamesTheKeyAndBothValues) {
  const RecipeChanges batch = changes("documents: 8", "documents: 16");
  ASSERT_EQ(batch.errors.size(), 1u);
  EXPECT_EQ(batch.errors[0], "batch.documents: 8 in the checkpoint, 16 now");
  EXPECT_EQ(changes("a.jsonl", "b.jsonl").errors.size(), 1u);
  EXPECT_EQ(changes("seed: 3", "seed: 4").errors.size(), 1u);
  EXPECT_EQ(changes("method: sft", "method: pretrain").errors.size(), 1u);
}

TEST(RecipeRules, ForceTurnsErrorsIntoWarnings) {
  const RecipeKeys saved = recipe_keys(kRecipe), current = recipe_keys(replaced(kRecipe, "documents: 8", "documents: 16"));
  EXPECT_THROW(check_resumable(saved, current, false, "step-000010"), ConfigError);
  EXPECT_NO_THROW(check_resumable(saved, current, true, "step-000010"));
}

TEST(RecipeRules, ASectionsHashFollowsItsValues) {
  const RecipeKeys a = recipe_keys(kRecipe), b = recipe_keys(replaced(kRecipe, "steps: 20", "steps: 21"));
  EXPECT_EQ(section_hash(a, "batch"), section_hash(b, "batch"));
  EXPECT_NE(section_hash(a, "stop"), section_hash(b, "stop"));
}

}  // namespace
}  // namespace phidias::trainer
