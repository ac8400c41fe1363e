// The generation flags of the command line as options of models/generation.
#pragma once

#include "launch/cli.h"
#include "launch/inference.h"
#include "models/generation/generator.h"

namespace phidias::launch {

inline models::GenerationOptions generation_options(const SamplingFlags& flags, const InferenceModel& model) {
  return {.max_new_tokens = flags.max_new_tokens,
          .temperature = flags.temperature,
          .top_k = flags.top_k,
          .top_p = flags.top_p,
          .repetition_penalty = flags.repetition_penalty,
          .seed = flags.seed,
          .ignore_eos = flags.ignore_eos,
          .end_tokens = models::read_end_tokens(model.directory)};
}

}  // namespace phidias::launch
