#include <gtest/gtest.h>

#include "base/error.h"
#include "data/pipeline/pipeline_config.h"

namespace phidias::data::pipeline {
namespace {

PipelineConfig config_with(const std::string& stages) {
  return parse_pipeline_config("output: out\nread: [{path: in}]\nstages:\n" + stages, "pipeline.yaml", {});
}

TEST(DedupStages, AreReadFromAPipelineFile) {
  const PipelineConfig config = config_with(
      "  - exact_dedup: {by: url, scope: source}\n"
      "  - line_dedup: {minimum_words: 3, normalise: cc_net, drop_above: 0.5}\n"
      "  - paragraph_dedup\n"
      "  - minhash: {bands: 9, rows: 13, normalise: {marks: false}, keep: best, score: edu.score}\n"
      "  - substring_dedup: {minimum_bytes: 50, remove: all, cut_at: words}\n");
  ASSERT_EQ(config.stages.size(), 5u);
  for (const StageEntry& entry : config.stages) {
    const std::unique_ptr<Stage> stage = entry.settings->make({.name = entry.name()});
    ASSERT_NE(stage->collective(), nullptr);
    EXPECT_GT(stage->collective()->resolve_bytes(1'000'000, 4'000'000'000, 1), 1'000'000);
    EXPECT_FALSE(stage->notes().empty());
  }
  EXPECT_NE(config.stages[3].settings->yaml().find("marks: false"), std::string::npos);
}

TEST(DedupStages, RefuseKeysThatDoNotExistOrCannotBe) {
  EXPECT_THROW(config_with("  - minhash: {band: 9}\n"), ConfigError);
  EXPECT_THROW(config_with("  - minhash: {jaccard: 1.5}\n"), ConfigError);
  EXPECT_THROW(config_with("  - exact_dedup: {by: title}\n"), ConfigError);
}

}  // namespace
}  // namespace phidias::data::pipeline
