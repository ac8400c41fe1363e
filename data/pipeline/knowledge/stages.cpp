#include "data/pipeline/knowledge/privacy_stage.h"
#include "data/pipeline/stage_type.h"

namespace phidias::data::pipeline {

std::vector<StageType> knowledge_stages() {
  return {stage_type<PrivacyStage>("privacy", "replaces, counts or drops by e-mail and IP addresses, phone, card and account numbers, keys")};
}

}  // namespace phidias::data::pipeline
