// Phi3ForCausalLM (transformers 4.57.3): Phi-3 mini and medium, Phi-3.5-mini, Phi-4, Phi-4-mini. RmsNorm, projections without biases, SwiGLU.
#pragma once

#include "models/decoder.h"

namespace phidias::models {

DecoderParts phi3_parts(const configs::ModelConfig& config);

}  // namespace phidias::models
