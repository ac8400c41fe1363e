// Every file of recipes/data is read by the command that it is for, and says at its top what a user must know.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <functional>
#include <map>
#include <string>

#include "base/atomic_file.h"
#include "configs/settings_file.h"
#include "data/mixture/mixture_config.h"
#include "data/pipeline/classify/train_classifier_config.h"
#include "data/pipeline/model/head_settings.h"
#include "data/pipeline/pipeline_config.h"
#include "data/synthetic/answers.h"
#include "data/synthetic/pairs.h"
#include "data/synthetic/prompts.h"

namespace phidias::data {
namespace {

const std::filesystem::path kRoot = PHIDIAS_SOURCE_DIR;

using Read = std::function<void(const std::string& path)>;

const std::map<std::string, Read>& readers() {
  static const Read pipeline = [](const std::string& path) { pipeline::read_pipeline_config(path, {}); };
  static const Read mixture = [](const std::string& path) { mixture::read_mixture_config(path); };
  static const Read classifier = [](const std::string& path) { pipeline::read_train_classifier_config(path, {}); };
  static const std::map<std::string, Read> all = {
      {"two-phase", pipeline},
      {"two-phase-held-out", pipeline},
      {"two-phase-unfiltered", pipeline},
      {"two-phase-mixture", mixture},
      {"two-phase-unfiltered-mixture", mixture},
      {"educational-classifier", classifier},
      {"topic-classifier", classifier},
      {"educational-head",
       [](const std::string& path) { configs::read_settings<pipeline::HeadSettings>(path, {}, [](const pipeline::HeadSettings&, configs::ReadState&) {}); }},
      {"textbook-prompts", [](const std::string& path) { read_prompt_settings(path, {}); }},
      {"import-answers", [](const std::string& path) { read_answer_settings(path, {}); }},
      {"preference-pairs", [](const std::string& path) { read_pair_settings(path, {}); }},
  };
  return all;
}

TEST(DataRecipes, AreReadByTheirCommands) {
  std::size_t found = 0;
  for (const auto& entry : std::filesystem::directory_iterator(kRoot / "recipes" / "data")) {
    if (entry.path().extension() != ".yaml") continue;
    ++found;
    const auto reader = readers().find(entry.path().stem().string());
    ASSERT_NE(reader, readers().end()) << entry.path() << ": say here which command reads it";
    EXPECT_NO_THROW(reader->second(entry.path().string())) << entry.path();
  }
  EXPECT_EQ(found, readers().size());
}

TEST(DataRecipes, StandInTheTableOfRecipes) {
  const std::string table = read_file(kRoot / "recipes" / "README.md");
  for (const auto& [name, reader] : readers()) EXPECT_NE(table.find("`data/" + name + ".yaml`"), std::string::npos) << name;
}

TEST(DataRecipes, OpenWithPurposeAndTheirOwnCommand) {
  for (const auto& [name, reader] : readers()) {
    const std::string text = read_file(kRoot / "recipes" / "data" / (name + ".yaml"));
    EXPECT_TRUE(text.starts_with("# Purpose:") || text.starts_with("# The ")) << name;
    EXPECT_NE(text.find("# Command:"), std::string::npos) << name;
    EXPECT_NE(text.find("recipes/data/" + name + ".yaml"), std::string::npos) << name;
  }
}

}  // namespace
}  // namespace phidias::data
