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

namespace phidias::models {

class ModelDirectory {
 public:
  // Reads config.json, the index and every header, and maps the weights. Throws ConfigError or CheckpointError.
  explicit ModelDirectory(const std::filesystem::path& path);

  const std::filesystem::path& path() const { return path_; }
  const configs::ModelConfig& config() const { return config_; }
  at::ScalarType dtype() const { return dtype_; }  // of the weights: float32, bfloat16 or float16
  const std::map<std::string, const SafetensorsFile*>& tensors() const { return tensors_; }
  // A read-only CPU view. Throws CheckpointError when the name is not here.
  at::Tensor tensor(const std::string& name) const;

 private:
  std::filesystem::path path_;
  configs::ModelConfig config_;
  std::vector<std::unique_ptr<SafetensorsFile>> files_;
  std::map<std::string, const SafetensorsFile*> tensors_;
  at::ScalarType dtype_ = at::kFloat;
};

inline ModelDirectory open_model_directory(const std::filesystem::path& path) { return ModelDirectory(path); }

// config.json alone, of a directory or given as the file itself. Weights are not looked at.
configs::ModelConfig read_model_config(const std::filesystem::path& path);

// Tokens that end an answer: all of generation_config.json's eos_token_id, else config.json's.
std::vector<std::int64_t> read_end_tokens(const std::filesystem::path& directory);

// Checks that the directory holds exactly the model's tensors, then copies all of them into Parameter::value, converting. A tied head that the file
// repeats must equal the embedding.
void load_weights(const ModelDirectory& directory, const CausalLM& model);

// Reads parts of the directory's tensors for owners of shards; a rank touches only the pages of what it asks for. Checks the fit as load_weights
// does; of an expert axis every rank has all experts of its directory checked. `directory` outlives the reader.
RangeReader range_reader(const ModelDirectory& directory, const CausalLM& model);

struct LoadedModel {
  configs::ModelConfig config;
  std::unique_ptr<CausalLM> model;
  at::Tensor storage;  // holds every parameter's value
  at::ScalarType file_dtype = at::kFloat;
};

// For inference: storage in `dtype` (the file's without one), no gradients.
LoadedModel load_model(const std::filesystem::path& path, std::optional<at::ScalarType> dtype = std::nullopt, at::Device device = at::kCPU);

// The tensors of the model's directory, adapters excluded, in the order they are written.
std::vector<LogicalTensor> checkpoint_tensors(const CausalLM& model);

using TensorProvider = std::function<at::Tensor(const std::string& name)>;  // any device and floating-point type

struct SaveOptions {
  std::filesystem::path source;                  // its files that are no weights are copied unchanged; empty: none
  at::ScalarType dtype = at::kFloat;             // of the weights written
  std::int64_t max_shard_bytes = 5'000'000'000;  // transformers' default
};

// Writes a directory that transformers loads. Everything goes into a temporary sibling first, which then takes the name `out`; what was
// there before disappears only after that. config.json is the source's (its dtype field changed when `dtype` differs) or, without a
// source or where the source has none, made from the model's configuration.
void save_model_directory(const std::filesystem::path& out, const CausalLM& model, const TensorProvider& provider, const SaveOptions& options);

// As above with the parameters' values.
void save_model_directory(const std::filesystem::path& out, const CausalLM& model, const SaveOptions& options);

// Copies every file that is not a weight (*.safetensors, *.bin, ... and their indexes) nor bookkeeping (.git, .cache), folders included.
void copy_other_files(const std::filesystem::path& from, const std::filesystem::path& to);

}  // namespace phidias::models
