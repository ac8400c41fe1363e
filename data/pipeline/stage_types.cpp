#include "data/pipeline/stage_type.h"

namespace phidias::data::pipeline {

std::vector<StageType> all_stage_types() {
  std::vector<StageType> all;
  for (const auto& subject : {text_stages(), quality_stages(), classify_stages(), knowledge_stages(), dedup_stages(), model_stages(), decontaminate_stages()})
    all.insert(all.end(), subject.begin(), subject.end());
  return all;
}

}  // namespace phidias::data::pipeline
