// PhimoeForCausalLM (transformers 4.57.3): Phi-3.5-MoE, GRIN-MoE. LayerNorm, biased attention and head, a mixture of experts in every block.
//
// In the checkpoint q_proj, k_proj and v_proj are separate; here they are rows of one projection. LongRoPE's factors come from the file (short_mscale,
// long_mscale). With an expert axis the model is collective: every rank runs it equally often, without tokens if need be.
#pragma once

#include "models/decoder.h"

namespace phidias::models {

DecoderParts phimoe_parts(const configs::ModelConfig& config, const kernels::ExpertRanks& ranks);

}  // namespace phidias::models
