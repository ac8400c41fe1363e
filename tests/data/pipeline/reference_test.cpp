// docs/pipeline-reference.md is what the program prints (PHIDIAS_UPDATE=1 rewrites it).
#include <gtest/gtest.h>

#include <cstdlib>

#include "base/atomic_file.h"
#include "data/pipeline/pipeline_config.h"

namespace phidias::data::pipeline {
namespace {

TEST(PipelineReference, IsUpToDate) {
  const std::filesystem::path page = std::filesystem::path(PHIDIAS_SOURCE_DIR) / "docs/pipeline-reference.md";
  if (std::getenv("PHIDIAS_UPDATE") != nullptr) write_file_atomic(page, pipeline_reference());
  EXPECT_EQ(read_file(page), pipeline_reference());
}

TEST(PipelineReference, NamesEveryStageOnce) {
  std::vector<std::string_view> keys;
  for (const StageType& type : all_stage_types()) {
    EXPECT_EQ(std::find(keys.begin(), keys.end(), type.key), keys.end()) << type.key;
    EXPECT_FALSE(type.doc.empty()) << type.key;
    keys.push_back(type.key);
  }
}

}  // namespace
}  // namespace phidias::data::pipeline
