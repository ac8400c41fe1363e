#include "data/pipeline/knowledge/ephemeral_stage.h"
#include "data/pipeline/knowledge/language_stage.h"
#include "data/pipeline/knowledge/privacy_stage.h"
#include "data/pipeline/stage_type.h"

namespace phidias::data::pipeline {

std::vector<StageType> knowledge_stages() {
  return {stage_type<LanguageStage>("language", "tells the language, and keeps the documents of some"),
          stage_type<EphemeralStage>("ephemeral", "drops what is soon forgotten and teaches nothing: results, prices, forecasts, offers, notices"),
          stage_type<PrivacyStage>("privacy", "replaces, counts or drops by e-mail and IP addresses, phone, card and account numbers, keys")};
}

}  // namespace phidias::data::pipeline
