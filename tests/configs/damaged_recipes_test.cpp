// Whatever bytes a recipe holds, the answer is a configuration or a ConfigError.
#include <gtest/gtest.h>

#include <random>

#include "tests/configs/recipe_text.h"

namespace phidias::configs {

namespace {

const std::string kRecipe = R"(# A recipe with a bit of everything
method: sft
run: {output: "runs/x", seed: 3}
model:
  path: 'models/x'
  add_tokens: {"<|a|>": 5, b: 6}
data:
  train:
    - a.jsonl
    - {path: b.jsonl, weight: 0.5}
  max_length: 2_048
batch: {documents: 8}
optimizer:
  learning_rate: 1e-5
  betas: [0.9, 0.95]
schedule: {name: cosine, warmup_steps: 10}
stop:
  epochs: 1.5
  time: null
)";

// Reads; counts whether it was good. Any other exception ends the test.
bool is_accepted(const std::string& text, const Lines& overrides = {}) {
  try {
    const RunConfig config = read_recipe(text, overrides);
    EXPECT_EQ(read_recipe(dump_run_config(config)), config) << text;
    return true;
  } catch (const ConfigError& error) {
    EXPECT_NE(std::string(error.what()), "");
    return false;
  }
}

}  // namespace

TEST(DamagedRecipes, TheUndamagedOneIsRight) { EXPECT_TRUE(is_accepted(kRecipe)); }

TEST(DamagedRecipes, RandomBytesAreConfigErrors) {
  std::mt19937 random(1);
  for (int round = 0; round < 1000; ++round) {
    std::string text;
    const bool is_ascii = round % 2 == 0;
    for (unsigned length = random() % 200; length > 0; --length) text += static_cast<char>(is_ascii ? 9 + random() % 118 : random() % 256);
    EXPECT_FALSE(is_accepted(text));
  }
}

TEST(DamagedRecipes, RandomStructureIsConfigErrors) {
  const std::string kPieces[] = {"a",     "method",      "run",  "data", "train", ": ", ":",   "\n",           "\n  ",        "\n    ", "- ",  "? ",  "[",
                                 "]",     "{",           "}",    ", ",   "&x ",   "*x", "!t ", "<<: ",         "'",           "\"",     "|\n", ">\n", "---\n",
                                 "...\n", "%YAML 1.2\n", "#c\n", "null", "1e5",   "\t", "~",   "\xEF\xBB\xBF", "\xE2\x80\xA8"};
  std::mt19937 random(2);
  for (int round = 0; round < 3000; ++round) {
    std::string text;
    for (unsigned length = random() % 40; length > 0; --length) text += kPieces[random() % std::size(kPieces)];
    EXPECT_FALSE(is_accepted(text));
  }
}

TEST(DamagedRecipes, MutatedRecipesAreReadOrRefused) {
  std::mt19937 random(3);
  int accepted = 0;
  const int kRounds = 4000;
  for (int round = 0; round < kRounds; ++round) {
    std::string text = kRecipe;
    for (unsigned change = 1 + random() % 3; change > 0; --change) {
      const std::size_t at = random() % text.size();
      switch (random() % 4) {
        case 0:
          text[at] = static_cast<char>(32 + random() % 95);
          break;
        case 1:
          text.erase(at, 1 + random() % 5);
          break;
        case 2:
          text.insert(at, 1, ":[]{}-&*!'\"\n #,"[random() % 15]);
          break;
        default:
          text.insert(at, text.substr(random() % text.size(), random() % 30));
          break;
      }
    }
    accepted += is_accepted(text) ? 1 : 0;
  }
  EXPECT_GT(accepted, 0);            // changes in comments and texts are harmless
  EXPECT_LT(accepted, kRounds / 2);  // and most others are not
}

TEST(DamagedRecipes, CutRecipesAreReadOrRefused) {
  for (std::size_t length = 0; length < kRecipe.size(); ++length) is_accepted(kRecipe.substr(0, length));
}

TEST(DamagedRecipes, RandomOverridesAreReadOrRefused) {
  const std::string kPieces[] = {"stop", ".", "steps", "=", "data.train", "[", "]",  "{",  "a",          ",",
                                 ":",    "1", "null",  "'", "\"",         " ", "&x", "*x", "run.output", "optimizer.betas"};
  std::mt19937 random(4);
  for (int round = 0; round < 2000; ++round) {
    std::string text;
    for (unsigned length = random() % 12; length > 0; --length) text += kPieces[random() % std::size(kPieces)];
    is_accepted(kRecipe, {text});
  }
}

}  // namespace phidias::configs
