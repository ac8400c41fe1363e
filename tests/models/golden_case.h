// A directory of tests/golden/phi3 (make_phi3_goldens.py) as the tests use it: model, documents, expected tensors. Also small models made
// from a configuration, and a folder that disappears.
#pragma once

#include <unistd.h>

#include <ATen/core/Tensor.h>
#include <ATen/ops/zeros.h>
#include <torch/csrc/autograd/autograd.h>

#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/json.h"
#include "data/batch.h"
#include "kernels/linear_cross_entropy.h"
#include "models/causal_lm.h"
#include "models/hub/model_directory.h"
#include "models/hub/safetensors.h"

namespace phidias::models {

using Documents = std::vector<std::vector<std::int32_t>>;

inline std::filesystem::path golden_path(const std::string& name) { return std::filesystem::path(PHIDIAS_SOURCE_DIR) / "tests/golden/phi3" / name; }

inline const std::vector<std::string>& golden_names() {
  static const std::vector<std::string> names = {"mha_window", "gqa_longrope", "tied_partial", "head_96"};
  return names;
}

// Documents one after another, next-token targets, rotary list by length.
inline data::MicroBatch pack(const Documents& documents, const configs::ModelConfig& config) {
  data::MicroBatch batch;
  for (const auto& document : documents) {
    const auto begin = static_cast<std::int32_t>(batch.tokens.size()), length = static_cast<std::int32_t>(document.size());
    for (std::int32_t i = 0; i < length; ++i) {
      batch.tokens.push_back(document[static_cast<std::size_t>(i)]);
      batch.positions.push_back(i);
      batch.targets.push_back(i + 1 < length ? document[static_cast<std::size_t>(i) + 1] : data::kIgnoredTarget);
      batch.target_tokens += i + 1 < length ? 1 : 0;
    }
    batch.segments.push_back({begin, begin + length, -1, config.has_longrope && length > config.original_max_positions, batch.segments.size()});
  }
  return batch;
}

inline void add_gradients(CausalLM& model) {
  for (const ParameterDeclaration& declaration : model.declarations()) {
    declaration.parameter->value.requires_grad_();
    declaration.parameter->gradient = at::zeros(declaration.shape, at::kFloat);
    declaration.parameter->has_gradient = false;
  }
}

struct LossAndGradients {
  double loss = 0.0;                            // mean over `targets`
  std::map<std::string, at::Tensor> gradients;  // of the mean
};

// Forward and backward over the documents, packed together or one micro-batch each.
inline LossAndGradients run_training(CausalLM& model, const Documents& documents, const ForwardOptions& options, bool packed = true) {
  add_gradients(model);
  const double targets = static_cast<double>(pack(documents, model.config()).target_tokens);
  std::vector<Documents> batches;
  if (packed) batches.push_back(documents);
  for (std::size_t i = 0; !packed && i < documents.size(); ++i) batches.push_back({documents[i]});
  LossAndGradients result;
  for (const Documents& batch : batches) {
    const kernels::PackedBatch on_device = kernels::to_device(pack(batch, model.config()), at::kCPU);
    const at::Tensor loss = kernels::next_token_loss(model.forward(on_device, options), model.head(), on_device.targets, 1.0 / targets);
    loss.backward();
    result.loss += loss.item<double>() / targets;
  }
  for (const ParameterDeclaration& declaration : model.declarations()) result.gradients[declaration.name] = declaration.parameter->gradient.clone();
  return result;
}

struct GoldenCase {
  explicit GoldenCase(const std::string& name)
      : directory(golden_path(name)), loaded(load_model(directory)), golden(read_json(directory / "golden.json")), tensors(directory / "golden.tensors") {
    documents = golden["documents"].get<Documents>();
  }
  CausalLM& model() { return *loaded.model; }
  at::Tensor tensor(const std::string& name) const { return tensors.tensor(name); }

  std::filesystem::path directory;
  LoadedModel loaded;
  Json golden;
  SafetensorsFile tensors;
  Documents documents;
};

class TemporaryDirectory {
 public:
  TemporaryDirectory() {
    static int serial = 0;
    path_ = std::filesystem::temp_directory_path() / ("phidias-models-" + std::to_string(::getpid()) + "-" + std::to_string(serial++));
    std::filesystem::create_directories(path_);
  }
  ~TemporaryDirectory() { std::filesystem::remove_all(path_); }
  TemporaryDirectory(const TemporaryDirectory&) = delete;
  TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

}  // namespace phidias::models
