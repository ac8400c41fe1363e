// A model and its tokenizer ready to answer: what generate, chat and score share.
#pragma once

#include <ATen/core/Tensor.h>

#include <filesystem>
#include <memory>
#include <string>

#include "data/tokenizers/tokenizer.h"
#include "models/hub/model_directory.h"

namespace phidias::launch {

// What a command needs to know before weights are read.
struct InferenceSetup {
  std::filesystem::path directory;
  std::unique_ptr<data::Tokenizer> tokenizer;  // null when the directory has none: ids still work
  at::ScalarType dtype = at::kFloat;
  at::Device device = at::kCPU;

  // Throws DataError when the directory has no tokenizer.
  const data::Tokenizer& require_tokenizer() const;
};

struct InferenceModel : InferenceSetup {
  models::LoadedModel loaded;
  models::CausalLM& model() const { return *loaded.model; }
};

// `given`: a Hugging Face, PEFT or run directory; an adapter is merged into its base. `dtype`: float32, bfloat16, or auto: on a GPU the directory's, on a CPU
// float32 unless the weights would then take more than half of the memory.
InferenceSetup prepare_inference(const std::string& given, const std::string& dtype);
InferenceModel load_for_inference(const std::string& given, const std::string& dtype);

}  // namespace phidias::launch
