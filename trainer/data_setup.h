// The data of a run: sources tokenised once by all ranks, the source of training steps, the validation files.
#pragma once

#include <filesystem>
#include <memory>
#include <vector>

#include "configs/model_config.h"
#include "configs/run_config.h"
#include "data/batch_source.h"
#include "data/tokenizers/tokenizer.h"
#include "parallel/world.h"
#include "trainer/evaluation/evaluation.h"

namespace phidias::trainer {

struct RunData {
  std::unique_ptr<data::Tokenizer> tokenizer;
  std::unique_ptr<data::BatchSource> batches;
  std::vector<ValidationFile> validation;
};

// Fills in what depends on the model: data.max_length, batch.micro_tokens. Throws ConfigError: longer than the model's positions, micro_tokens below
// max_length.
void resolve_lengths(configs::RunConfig& config, const configs::ModelConfig& model);

// Where data.mixture is given: the run ends with its last phase, so stop.tokens is their sum unless it is less. Throws ConfigError when it is more.
void resolve_stop(configs::RunConfig& config);

// Collective. `config` with lengths resolved. Throws DataError or ConfigError on every rank.
RunData prepare_data(const configs::RunConfig& config, const configs::ModelConfig& model, const std::filesystem::path& tokenizer_directory,
                     parallel::World& world);

}  // namespace phidias::trainer
