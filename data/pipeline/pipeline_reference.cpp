// docs/pipeline-reference.md from the same lists of fields that the reader follows.
#include <string>
#include <string_view>
#include <vector>

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
  for (const StageType& type : all_stage_types()) text += "\n" + stage_reference(type);
  return text;
}

std::string stage_reference(const StageType& type) {
  const std::string rows = type.reference();
  return "## " + std::string(type.key) + "\n\n" + std::string(type.doc) + (type.needs_model ? " (needs a model)" : "") + ".\n" +
         (rows.empty() ? "" : "\n" + std::string(configs::Documenter::kTableHead) + rows);
}

// Every row of the table begins with "| `key` |".
std::vector<std::string> keys_of(const StageType& type) {
  const std::string rows = type.reference();
  std::vector<std::string> keys;
  for (std::size_t begin = 0; begin < rows.size(); begin = rows.find('\n', begin) + 1)
    keys.push_back(rows.substr(begin + 3, rows.find('`', begin + 3) - begin - 3));
  return keys;
}

}  // namespace phidias::data::pipeline
