#include "data/pipeline/knowledge/ephemeral_stage.h"
#include "data/pipeline/knowledge/language_stage.h"
#include "data/pipeline/knowledge/privacy_stage.h"
#include "data/pipeline/knowledge/safety_score_stage.h"
#include "data/pipeline/knowledge/word_list_stage.h"
#include "data/pipeline/stage_type.h"

namespace phidias::data::pipeline {

std::vector<StageType> knowledge_stages() {
  return {stage_type<LanguageStage>("language", "tells the language, and keeps the documents of some"),
          stage_type<EphemeralStage>("ephemeral", "drops what is soon forgotten and teaches nothing: results, prices, forecasts, offers, notices"),
          stage_type<PrivacyStage>("privacy", "replaces, counts or drops by e-mail and IP addresses, phone, card and account numbers, keys"),
          stage_type<WordListStage>("word_list", "counts the words and phrases of a list, and drops documents with too many"),
          stage_type<SafetyScoreStage>("safety_score", "drops documents by a score that another program gave them")};
}

}  // namespace phidias::data::pipeline
