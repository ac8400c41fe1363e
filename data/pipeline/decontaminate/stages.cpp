#include "data/pipeline/decontaminate/decontaminate_stage.h"
#include "data/pipeline/stage_type.h"

namespace phidias::data::pipeline {

std::vector<StageType> decontaminate_stages() {
  return {stage_type<DecontaminateStage>("decontaminate", "takes texts of evaluation sets out of the training data")};
}

}  // namespace phidias::data::pipeline
