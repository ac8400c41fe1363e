// Phi3SmallForCausalLM (Phi-3-small-8k and -128k; remote code modeling_phi3_small.py): LayerNorm, biases on every projection, query_key_value grouped by
// key head, alternating block-sparse and dense attention, clamped gegelu, dropout after the MLP, tied head over masked dummy ids.
//
// muP: the embedding is multiplied by mup_embedding_multiplier, attention is scaled by mup_attention_multiplier / head_dim, the logits are divided by
// mup_width_multiplier. First values: weights normal(0, initializer_range), mlp.down_proj narrower by sqrt(2 * layers), biases of projections
// uniform in (-1, 1) / sqrt(in), PyTorch's default.
#pragma once

#include "models/decoder.h"

namespace phidias::models {

DecoderParts phi3small_parts(const configs::ModelConfig& config);

}  // namespace phidias::models
