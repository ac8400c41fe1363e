// A PEFT adapter directory (PEFT 0.21.2): adapter_config.json and adapter_model.safetensors beside a base model that it names.
//
// Tensors are "base_model.model.<module>.lora_A.weight" [r, in] and "....lora_B.weight" [out, r], float32 as a rule. What would change numbers and is not
// computed here (DoRA, biases, rank_pattern, modules_to_save, ...) is refused by the field's name. target_modules may be a list, "all-linear" or a
// regular expression; the modules of an expression are taken from the tensors. What PEFT wrote and nothing changed goes out byte-equal.
//
//   const AdapterDirectory adapter("runs/lora/final");
//   model.add_adapters(adapter.lora());
//   RangeReader read = adapter_reader(adapter, model);          // for declarations with `adapter`; the base's come from its own reader
#pragma once

#include <ATen/core/Tensor.h>

#include <filesystem>
#include <set>
#include <string>
#include <vector>

#include "configs/run_config.h"
#include "models/causal_lm.h"
#include "models/hub/model_directory.h"
#include "models/hub/safetensors.h"

namespace phidias::models {

// adapter_config.json without a config.json.
bool is_adapter_directory(const std::filesystem::path& path);

// Where the weights under an adapter are: base_model_name_or_path, relative to the working directory or to the adapter's. Any other path: itself.
// Throws CheckpointError when the base is not a directory here (a name on the hub).
std::filesystem::path base_directory(const std::filesystem::path& path);

class AdapterDirectory {
 public:
  // Reads the configuration and the header of the tensors. Throws ConfigError or CheckpointError.
  explicit AdapterDirectory(const std::filesystem::path& path);

  const std::filesystem::path& path() const { return path_; }
  const configs::LoraSection& lora() const { return lora_; }
  const std::string& base() const { return base_; }                  // base_model_name_or_path; may be empty
  const std::set<std::string>& modules() const { return modules_; }  // "model.layers.0.self_attn.qkv_proj", of those in the file
  const TensorEntry* find(const std::string& name) const;            // `name` as declared: "<module>.lora_A.weight"; null: not here
  at::Tensor tensor(const std::string& name) const;                  // a read-only CPU view

 private:
  std::filesystem::path path_;
  SafetensorsFile tensors_;
  std::set<std::string> modules_;
  configs::LoraSection lora_;
  std::string base_;
};

// Reads the model's adapters; checks first that the directory holds exactly those of the whole model, whatever part of its experts is here. `directory`
// outlives the reader.
RangeReader adapter_reader(const AdapterDirectory& directory, const CausalLM& model);

// The tensors of the declared adapters, as all_checkpoint_tensors: the same list on every layout. Names without PEFT's prefix.
std::vector<LogicalTensor> all_adapter_tensors(const CausalLM& model);

struct SaveAdapterOptions {
  configs::LoraSection lora;
  std::string base;                   // base_model_name_or_path
  std::filesystem::path source;       // adapter directory that training started from: its adapter_config.json and other files are kept unchanged
  std::filesystem::path companions;   // its tokenizer and generation files are copied: all but weights, config.json, README.md and code; empty: none
  at::ScalarType dtype = at::kFloat;  // of the tensors written
};

// Writes a directory that PEFT loads, all of it or nothing. The provider is asked for all_adapter_tensors by these names, in the order of
// adapter_save_order: a rank that takes part in a collective inside it walks the same list.
void save_adapter_directory(const std::filesystem::path& out, const CausalLM& model, const TensorProvider& provider, const SaveAdapterOptions& options);
std::vector<std::string> adapter_save_order(const CausalLM& model);
// As above with the parameters' values, of a model that holds all its experts.
void save_adapter_directory(const std::filesystem::path& out, const CausalLM& model, const SaveAdapterOptions& options);

}  // namespace phidias::models
