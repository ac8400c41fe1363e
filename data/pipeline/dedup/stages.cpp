#include "data/pipeline/stage_type.h"

namespace phidias::data::pipeline {

std::vector<StageType> dedup_stages() { return {}; }

}  // namespace phidias::data::pipeline
