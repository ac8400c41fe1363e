// The model of a run: its shape, where its weights come from, and the files that travel with it into every checkpoint and final/.
//
// With model.lora or model.adapter the model gets low-rank adapters: they are trained and saved (PEFT directories), the directory's weights are frozen.
#pragma once

#include <filesystem>
#include <memory>
#include <optional>

#include "configs/run_config.h"
#include "models/causal_lm.h"
#include "models/hub/model_directory.h"
#include "models/hub/peft.h"

namespace phidias::trainer {

class ModelSource {
 public:
  // shape_only: for planning; a directory may lack its weights then, and weights() must not be called.
  enum class Needs { weights, shape_only };
  // From model.path or model.preset. Throws ConfigError or CheckpointError.
  explicit ModelSource(const configs::ModelSection& section, Needs needs = Needs::weights);

  // Of the directory or preset, with the router's numbers of the recipe.
  const configs::ModelConfig& config() const { return config_; }
  // Throws ConfigError when the experts cannot be shared by so many ranks, or a LoRA target fits nothing.
  std::unique_ptr<models::CausalLM> make(const kernels::ExpertRanks& ranks = {}) const;
  // The starting weights: the directory's, or drawn from (seed, name); adapters likewise. The source outlives the reader.
  models::RangeReader weights(const models::CausalLM& model, std::uint64_t seed) const;
  bool has_adapters() const { return lora_.has_value(); }
  at::ScalarType directory_dtype() const { return directory_dtype_; }  // of the weights; float32 for a preset
  // Dtype of checkpoints' model/ and of final/: the directory's; for a preset what the model computes in; adapters are float32.
  at::ScalarType export_dtype(at::ScalarType compute_dtype) const;
  // How checkpoints' model/ and final/ are written when adapters are trained. `files`: files_for_export.
  std::optional<models::SaveAdapterOptions> adapter_target(const std::filesystem::path& files) const;
  const std::filesystem::path& tokenizer_directory() const { return tokenizer_directory_; }
  // A directory whose files beside weights belong into exports. For a preset its tokenizer's files are gathered in `staging` (rank 0 only),
  // without the config of whatever model they came from.
  std::filesystem::path files_for_export(const std::filesystem::path& staging) const;
  models::ForwardOptions forward_options() const;

 private:
  void take_router_keys();
  void take_adapters();

  configs::ModelSection section_;
  configs::ModelConfig config_;
  at::ScalarType directory_dtype_ = at::kFloat;
  std::filesystem::path tokenizer_directory_;
  std::unique_ptr<models::ModelDirectory> directory_;  // null for a preset
  std::unique_ptr<models::AdapterDirectory> adapter_;  // model.adapter
  std::optional<configs::LoraSection> lora_;           // of the recipe or of model.adapter
};

}  // namespace phidias::trainer
