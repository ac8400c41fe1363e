// Text generation with a key-value cache: many prompts at once, each of its own length, without padding.
//
// Prompts are admitted while slots are free; a sequence that ends leaves its slot to the next prompt. Results do not depend on which
// sequences share a batch (up to rounding of the matrix products) and are reproducible: a draw is a pure function of
// (seed, request id, position). A LongRoPE model whose sequence grows past the original length has that sequence computed again with
// the long factors, so that every token equals what the whole text computed from scratch would give.
//
//   auto results = generate(*model, {{prompt_ids, 0}}, {.max_new_tokens = 64, .end_tokens = read_end_tokens(directory)});
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "models/causal_lm.h"

namespace phidias::models {

struct GenerateRequest {
  std::vector<std::int32_t> prompt;
  std::uint64_t id = 0;  // keys the random draws
};

struct Generation {
  std::vector<std::int32_t> output_ids;  // new tokens, the end token included
  std::vector<float> token_logprobs;     // natural log at temperature 1, before penalties
  std::string finish;                    // "stop": an end token; "length": max_new_tokens or the model's positions are used up
};

// Order and definitions as in transformers: repetition penalty, temperature, top-k, top-p.
struct GenerationOptions {
  std::int64_t max_new_tokens = 256;
  double temperature = 0.0;         // 0: greedy
  std::int64_t top_k = 0;           // 0: all
  double top_p = 1.0;               // the smallest set of likely tokens whose probability exceeds top_p
  double repetition_penalty = 1.0;  // on every token of prompt and answer: logit / p when positive, logit * p when negative
  std::uint64_t seed = 0;
  bool ignore_eos = false;
  std::vector<std::int64_t> end_tokens;  // models/hub: read_end_tokens()
  std::int64_t max_batch = 32;           // sequences decoded together
};

// Told every new token of request number `request` as soon as it is known.
using OnToken = std::function<void(std::size_t request, std::int32_t token)>;

// One result per request, same order. Throws ConfigError for impossible options, DataError for an empty or too long prompt.
std::vector<Generation> generate(CausalLM& model, const std::vector<GenerateRequest>& requests, const GenerationOptions& options, const OnToken& on_token = {});

}  // namespace phidias::models
