// The choice of the next token from logits, by transformers' rules in transformers' order: repetition penalty, temperature, top-k, top-p.
//
// Sources (4.57.3, generation/logits_process.py): RepetitionPenaltyLogitsProcessor, TemperatureLogitsWarper, TopKLogitsWarper,
// TopPLogitsWarper. The draw itself is ours: inverse of the cumulative probability in the order of token ids at a uniform number that is
// a pure function of (seed, request id, position).
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

#include "models/generation/generator.h"

namespace phidias::models {

struct SampledToken {
  std::int32_t token = 0;
  float logprob = 0.0F;  // of the unchanged logits
};

// What a row's choice depends on besides its logits.
struct SamplingRow {
  const std::vector<std::int32_t>* seen = nullptr;  // distinct tokens of prompt and answer, for the repetition penalty
  std::uint64_t id = 0, position = 0;               // request, and index of the new token in its sequence
};

// logits [rows, vocabulary] float32 on any device.
std::vector<SampledToken> choose_tokens(const at::Tensor& logits, const std::vector<SamplingRow>& rows, const GenerationOptions& options);

// Throws ConfigError for values without meaning (a negative temperature, top_p outside (0, 1], ...).
void check_options(const GenerationOptions& options);

}  // namespace phidias::models
