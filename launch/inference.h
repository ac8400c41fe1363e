// A model and its tokenizer ready to answer: what generate, chat and score share.
#pragma once

#include <ATen/core/Tensor.h>

#include <filesystem>
#include <memory>
#include <string>

#include "data/tokenizers/tokenizer.h"
#include "models/hub/model_directory.h"

namespace phidias::launch {

struct InferenceModel {
  std::filesystem::path directory;
  std::unique_ptr<data::Tokenizer> tokenizer;   // null when the directory has none: ids still work
  models::LoadedModel loaded;
  at::ScalarType dtype = at::kFloat;
  at::Device device = at::kCPU;

  models::CausalLM& model() const { return *loaded.model; }
  // Throws DataError when the directory has no tokenizer.
  const data::Tokenizer& require_tokenizer() const;
};

// `given`: a Hugging Face or run directory. `dtype`: float32, bfloat16, or auto: on a GPU the directory's, on a CPU float32 unless the weights would
// then take more than half of the memory.
InferenceModel load_for_inference(const std::string& given, const std::string& dtype);

}  // namespace phidias::launch
