// docs/pipeline-reference.md from the same lists of fields that the reader follows.
#include <string>
#include <string_view>

#include "configs/documenter.h"
#include "data/pipeline/pipeline_config_visit.h"

namespace phidias::data::pipeline {
namespace {

constexpr std::string_view kIntroduction = R"(# Pipeline reference

<!-- Generated from the stages' own lists of keys (`phidias data stages`); tests/data/pipeline/reference_test.cpp compares and rewrites it (PHIDIAS_UPDATE=1). -->

`phidias data run PIPELINE [key=value ...]`. How pipelines work, with examples: [data.md](data.md).
Keys of the commands around it (classifiers, heads, synthetic data): [data/settings-reference.md](data/settings-reference.md).
A stage is written as its key alone, or as `key: {settings}`. Stages run in the order in which they stand; a stage may stand more than once under different names.

## The pipeline

)";

}  // namespace

std::string pipeline_reference() {
  PipelineConfig defaults;
  configs::Documenter document;
  visit(defaults, document);
  StageCommon common_defaults;
  configs::Documenter common;
  visit(common_defaults, common.as_one_table());
  const std::string head(configs::Documenter::kTableHead);
  std::string text = std::string(kIntroduction) + head + document.table() + document.sections;
  text += "\n## Keys of every stage\n\n" + head + common.table() + "\n# Stages\n";
  for (const StageType& type : all_stage_types()) {
    text += "\n## " + std::string(type.key) + "\n\n" + std::string(type.doc) + (type.needs_model ? " (needs a model)" : "") + ".\n";
    const std::string rows = type.reference();
    if (!rows.empty()) text += "\n" + head + rows;
  }
  return text;
}

}  // namespace phidias::data::pipeline
