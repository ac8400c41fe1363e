// A Hugging Face model directory: config.json, safetensors weights (one file or shards with an index), and files that are passed on.
//
// Symbolic links (hub caches are made of them) are followed. Whatever does not fit is refused by name: missing, extra, wrong-shape and
// wrong-dtype tensors, truncated files, pickle weights, a config.json that the model code would compute wrongly (models/hub/config_json.h).
//
//   const ModelDirectory directory = open_model_directory("phi-3.5-mini");
//   std::unique_ptr<CausalLM> model = make_model(directory.config());
//   at::Tensor storage = allocate(*model, directory.dtype(), at::kCPU);
//   load_weights(directory, *model);
#pragma once

#include <ATen/core/Tensor.h>

#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "configs/model_config.h"
#include "models/causal_lm.h"
#include "models/hub/safetensors.h"
#include "models/hub/tensor_layout.h"

namespace phidias::models {

class ModelDirectory {
 public:
  // Reads config.json, the index and every header, and maps the weights. Throws ConfigError or CheckpointError.
  explicit ModelDirectory(const std::filesystem::path& path);

  const std::filesystem::path& path() const { return path_; }
  const configs::ModelConfig& config() const { return config_; }
  at::ScalarType dtype() const { return dtype_; }  // of the weights: float32, bfloat16 or float16
  // By their released names (models/hub/tensor_layout.h).
  const StoredTensors& tensors() const { return tensors_; }
  // A read-only CPU view, of a stacked tensor of the file too. Throws CheckpointError when the name is not here.
  at::Tensor tensor(const std::string& name) const;

 private:
  std::filesystem::path path_;
  configs::ModelConfig config_;
  std::vector<std::unique_ptr<SafetensorsFile>> files_;
  StoredTensors tensors_;
  at::ScalarType dtype_ = at::kFloat;
};

inline ModelDirectory open_model_directory(const std::filesystem::path& path) { return ModelDirectory(path); }

// config.json alone, of a directory or given as the file itself; of an adapter directory the base's. Weights are not looked at.
configs::ModelConfig read_model_config(const std::filesystem::path& path);

// What config.json says of the weights' dtype (dtype, or torch_dtype of transformers 4); float32 when it says nothing that is known.
at::ScalarType configured_dtype(const std::filesystem::path& directory);

// Tokens that end an answer: all of generation_config.json's eos_token_id, else config.json's.
std::vector<std::int64_t> read_end_tokens(const std::filesystem::path& directory);

// Checks that the directory holds exactly the model's tensors, then copies all of them into Parameter::value, converting. A tied head that the file
// repeats must equal the embedding.
void load_weights(const ModelDirectory& directory, const CausalLM& model);

// Reads parts of the directory's tensors for owners of shards; a rank touches only the pages of what it asks for. Checks the fit as load_weights
// does; of an expert axis every rank checks all experts of the directory, so that all ranks come to the same verdict. `directory` outlives the reader.
RangeReader range_reader(const ModelDirectory& directory, const CausalLM& model);

struct LoadedModel {
  configs::ModelConfig config;
  std::unique_ptr<CausalLM> model;
  at::Tensor storage;  // holds every parameter's value
  at::ScalarType file_dtype = at::kFloat;
};

// For inference: storage in `dtype` (the file's without one), no gradients. An adapter directory (peft.h) is merged into its base on the way.
LoadedModel load_model(const std::filesystem::path& path, std::optional<at::ScalarType> dtype = std::nullopt, at::Device device = at::kCPU);

// The tensors of the model's directory that this rank holds, adapters excluded.
std::vector<LogicalTensor> checkpoint_tensors(const CausalLM& model);
// Those of the whole model, the same list on every layout: of an expert axis all experts, in the order of their numbers. `offset` is that in
// the storage of a model without the axis.
std::vector<LogicalTensor> all_checkpoint_tensors(const CausalLM& model);

using TensorProvider = std::function<at::Tensor(const std::string& name)>;  // any device and floating-point type

struct SaveOptions {
  std::filesystem::path source;                  // its files that are no weights are copied unchanged; empty: none
  at::ScalarType dtype = at::kFloat;             // of the weights written
  std::int64_t max_shard_bytes = 5'000'000'000;  // transformers' default
};

// Writes a directory that transformers loads, all_checkpoint_tensors under their released names. Everything goes into a temporary sibling first, which then
// takes the name `out`; what was there before disappears only after that. config.json is the source's (its dtype field changed when `dtype` differs) or,
// without a source or where the source has none, made from the model's configuration.
void save_model_directory(const std::filesystem::path& out, const CausalLM& model, const TensorProvider& provider, const SaveOptions& options);

// Names of all_checkpoint_tensors in the order in which save_model_directory, with the same options, asks its provider for them. A rank whose part
// is gathered by a collective inside the writing rank's provider calls the same collectives in this order.
std::vector<std::string> save_order(const CausalLM& model, const SaveOptions& options);

// As above with the parameters' values, of a model that holds all its experts.
void save_model_directory(const std::filesystem::path& out, const CausalLM& model, const SaveOptions& options);

// Neither a weight file nor bookkeeping: what copy_other_files copies.
bool is_passed_on(const std::string& file_name);

// Copies every file that is not a weight (*.safetensors, *.bin, ... and their indexes) nor bookkeeping (.git, .cache), folders included.
void copy_other_files(const std::filesystem::path& from, const std::filesystem::path& to);

}  // namespace phidias::models
