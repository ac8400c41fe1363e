// What data pipelines ask of models, for the engine program (data/pipeline/model_services.h, trainer/scoring).
#pragma once

#include "data/pipeline/model_services.h"

namespace phidias::launch {

data::pipeline::ModelServices make_model_services();

}  // namespace phidias::launch
