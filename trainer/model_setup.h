// The model of a run: its shape, where its weights come from, and the files that travel with it into every checkpoint and final/.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>

#include "configs/run_config.h"
#include "models/causal_lm.h"
#include "models/hub/model_directory.h"

namespace phidias::trainer {

class ModelSource {
 public:
  // From model.path or model.preset. Throws ConfigError or CheckpointError.
  explicit ModelSource(const configs::ModelSection& section);

  const configs::ModelConfig& config() const { return config_; }
  std::unique_ptr<models::CausalLM> make() const { return models::make_model(config_); }
  // Writes the starting weights into the bound values: the directory's, or drawn from (seed, name).
  void fill(models::CausalLM& model, std::uint64_t seed) const;
  at::ScalarType directory_dtype() const;  // of the weights; float32 for a preset
  // Dtype of checkpoints' model/ and of final/: the directory's; for a preset what the model computes in.
  at::ScalarType export_dtype(at::ScalarType compute_dtype) const;
  const std::filesystem::path& tokenizer_directory() const { return tokenizer_directory_; }
  // A directory whose files beside weights belong into exports. For a preset its tokenizer's files are gathered in `staging` (rank 0 only),
  // without the config of whatever model they came from.
  std::filesystem::path files_for_export(const std::filesystem::path& staging) const;
  models::ForwardOptions forward_options() const;

 private:
  configs::ModelSection section_;
  configs::ModelConfig config_;
  std::filesystem::path tokenizer_directory_;
  std::unique_ptr<models::ModelDirectory> directory_;  // null for a preset
};

}  // namespace phidias::trainer
