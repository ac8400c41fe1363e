#include "data/pipeline/classify/classifier_stage.h"
#include "data/pipeline/classify/quantile_stage.h"
#include "data/pipeline/classify/quota_stage.h"
#include "data/pipeline/stage_type.h"

namespace phidias::data::pipeline {

std::vector<StageType> classify_stages() {
  return {stage_type<ClassifierStage>("classifier", "scores documents by a fastText classifier; drops those below a threshold"),
          stage_type<QuantileStage>("quantile", "keeps the top share by a score, per language, source or any annotation"),
          stage_type<QuotaStage>("quota", "limits the share of topics, best documents first")};
}

}  // namespace phidias::data::pipeline
