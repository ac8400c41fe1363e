// Every recipe of a run that ships (recipes/data holds pipelines and mixtures) parses, reads back, and says at its top what a user must know.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "base/json.h"
#include "configs/presets.h"
#include "tests/configs/recipe_text.h"

namespace phidias::configs {

namespace {

const std::filesystem::path kRoot = PHIDIAS_SOURCE_DIR;

std::vector<std::filesystem::path> shipped_recipes() {
  std::vector<std::filesystem::path> paths;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(kRoot / "recipes"))
    if (entry.path().extension() == ".yaml" && entry.path().parent_path() != kRoot / "recipes" / "data") paths.push_back(entry.path());
  std::sort(paths.begin(), paths.end());
  return paths;
}

std::string text_of(const std::filesystem::path& path) {
  std::ifstream file(path);
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

}  // namespace

TEST(ShippedRecipes, CoverQuickstartEveryModelAndPretraining) {
  for (const char* name : {"quickstart/quickstart", "sft/phi-3-mini-4k", "sft/phi-3-mini-128k", "sft/phi-3.5-mini", "sft/phi-3-medium-4k",
                           "sft/phi-3-medium-128k", "sft/phi-3-medium", "sft/phi-3-small", "moe/phi-3.5-moe-lora", "moe/phi-3.5-moe-full",
                           "pretrain/phi-3-mini", "pretrain/tiny", "pretrain/two-phase-tiny"})
    EXPECT_TRUE(std::filesystem::exists(kRoot / "recipes" / (std::string(name) + ".yaml"))) << name;
}

TEST(ShippedRecipes, ParseAsTheyAreAndWithTheUsersFiles) {
  for (const auto& path : shipped_recipes()) {
    EXPECT_NO_THROW(read_run_config(path.string(), {})) << path;
    std::vector<std::string> overrides = {"model.preset=null", "model.path=DIR", "data.mixture=null", "data.train=FILE", "run.output=runs/mine"};
    if (!read_run_config(path.string(), {}).data.mixture.empty()) overrides.emplace_back("stop={tokens: 1000}");  // the mixture's length was the run's
    const RunConfig config = read_run_config(path.string(), overrides);
    EXPECT_EQ(config.model.path, "DIR") << path;
    EXPECT_EQ(config.data.train, (std::vector<DataSource>{{"FILE", 1.0, "auto"}})) << path;
    EXPECT_EQ(config.run.name, path.stem().string());
  }
}

TEST(ShippedRecipes, DumpAndReadBackEqual) {
  for (const auto& path : shipped_recipes()) {
    const RunConfig config = read_run_config(path.string(), {});
    EXPECT_EQ(read_recipe(dump_run_config(config)), config) << path;
  }
}

TEST(ShippedRecipes, OpenWithPurposeCommandMemoryAndResult) {
  for (const auto& path : shipped_recipes()) {
    const std::string text = text_of(path), opening = text.substr(0, text.find("\nmethod:"));
    for (const char* word : {"# Purpose:", "# Command:", "# Memory:", "# Result:", "# Change:"})
      EXPECT_NE(opening.find(word), std::string::npos) << path << " " << word;
    const std::string command = "recipes/" + std::filesystem::relative(path, kRoot / "recipes").string();
    EXPECT_NE(opening.find(command), std::string::npos) << path << " should show its own command";
  }
}

TEST(ShippedRecipes, MemoryFiguresFollowFromTheParameterCounts) {
  for (const char* name : {"phi-3-mini-4k", "phi-3-mini-128k", "phi-3.5-mini", "phi-3-medium-4k", "phi-3-medium-128k"}) {
    const double parameters = static_cast<double>(read_preset(name).parameter_count());
    std::string text = text_of(kRoot / "recipes" / "sft" / (std::string(name) + ".yaml"));
    for (std::size_t at = text.find("\n#"); at != std::string::npos; at = text.find("\n#")) text.replace(at, 2, "");
    for (const double bytes : {16.0, 18.0})
      EXPECT_NE(text.find(" " + std::to_string(std::lround(bytes * parameters / 1e9)) + " GB"), std::string::npos) << name << " " << bytes;
  }
}

TEST(ShippedRecipes, QuickstartModelFitsItsTokenizer) {
  const std::filesystem::path directory = kRoot / "recipes" / "quickstart" / "tokenizer";
  const Json generation = read_json(directory / "generation_config.json"), tokenizer = read_json(directory / "tokenizer.json");
  const ModelConfig config = read_preset("phi3-quickstart");
  EXPECT_EQ(config.eos_token_ids, generation.at("eos_token_id").get<std::vector<std::int64_t>>());
  EXPECT_EQ(config.pad_token_id, generation.at("pad_token_id").get<std::int64_t>());
  EXPECT_EQ(config.bos_token_id, generation.at("bos_token_id").get<std::int64_t>());
  for (const Json& token : tokenizer.at("added_tokens")) EXPECT_LT(token.at("id").get<std::int64_t>(), config.vocab_size);
  EXPECT_LE(static_cast<std::int64_t>(tokenizer.at("model").at("vocab").size()), config.vocab_size);
}

}  // namespace phidias::configs
