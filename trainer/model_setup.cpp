#include "trainer/model_setup.h"

#include "base/error.h"
#include "base/log.h"
#include "configs/presets.h"
#include "models/initialise.h"

namespace phidias::trainer {
namespace fs = std::filesystem;

ModelSource::ModelSource(const configs::ModelSection& section, Needs needs) : section_(section) {
  if (section.path.empty() == section.preset.empty()) throw ConfigError("model: give exactly one of path and preset");
  if (!section.add_tokens.empty()) throw ConfigError("model.add_tokens: this build cannot add tokens to a tokenizer");
  if (!section.path.empty()) {
    if (models::is_adapter_directory(section.path))
      throw ConfigError("model.path: " + section.path + " holds adapters; give it as model.adapter and their base model as model.path");
    if (needs == Needs::weights) {
      directory_ = std::make_unique<models::ModelDirectory>(section.path);
      config_ = directory_->config();
      directory_dtype_ = directory_->dtype();
    } else {
      config_ = models::read_model_config(section.path);
      directory_dtype_ = models::configured_dtype(section.path);
    }
    tokenizer_directory_ = section.tokenizer.empty() ? section.path : section.tokenizer;
  } else {
    config_ = configs::read_preset(section.preset);
    tokenizer_directory_ = section.tokenizer;
  }
  take_router_keys();
  take_adapters();
}

void ModelSource::take_router_keys() {
  const auto take = [this](const std::optional<double>& wanted, double& number, const char* key) {
    if (!wanted) return;
    if (config_.num_experts == 0) throw ConfigError(std::string("model.") + key + ": the model has no experts");
    number = *wanted;
  };
  take(section_.router_jitter, config_.router_jitter, "router_jitter");
  take(section_.input_jitter, config_.input_jitter, "input_jitter");
  take(section_.router_aux_loss, config_.router_aux_loss, "router_aux_loss");
  if (section_.router != configs::Router::sparsemixer && config_.num_experts == 0) throw ConfigError("model.router: the model has no experts");
}

void ModelSource::take_adapters() {
  if (!section_.adapter.empty()) {
    adapter_ = std::make_unique<models::AdapterDirectory>(section_.adapter);
    lora_ = adapter_->lora();
  } else if (section_.lora.rank > 0) {
    lora_ = section_.lora;
  }
  if (!lora_) return;
  if (section_.path.empty())
    log_warning("model.lora: the weights under the adapters are drawn from run.seed and kept nowhere; the result fits no model on disk");
  if (!section_.trainable.empty()) throw ConfigError("model.trainable: with adapters the model itself is frozen; leave the key out");
}

std::unique_ptr<models::CausalLM> ModelSource::make(const kernels::ExpertRanks& ranks) const {
  std::unique_ptr<models::CausalLM> model = models::make_model(config_, ranks);
  if (lora_) model->add_adapters(*lora_);
  return model;
}

models::RangeReader ModelSource::weights(const models::CausalLM& model, std::uint64_t seed) const {
  const models::RangeReader base = directory_ ? models::range_reader(*directory_, model) : models::fresh_weights(config_, seed);
  if (!lora_) return base;
  const models::RangeReader adapters = adapter_ ? models::adapter_reader(*adapter_, model) : models::fresh_weights(config_, seed);
  return [base, adapters](const models::ParameterDeclaration& declaration, const models::LogicalTensor& tensor, std::int64_t begin, std::int64_t end,
                          at::Tensor out) { (declaration.adapter ? adapters : base)(declaration, tensor, begin, end, std::move(out)); };
}

at::ScalarType ModelSource::export_dtype(at::ScalarType compute_dtype) const {
  if (lora_) return at::kFloat;
  return directory_ ? directory_->dtype() : compute_dtype;
}

std::optional<models::SaveAdapterOptions> ModelSource::adapter_target(const fs::path& files) const {
  if (!lora_) return std::nullopt;
  models::SaveAdapterOptions options;
  options.lora = *lora_;
  options.base = section_.path;
  options.source = section_.adapter;
  options.companions = files;
  return options;
}

fs::path ModelSource::files_for_export(const fs::path& staging) const {
  if (directory_) return directory_->path();
  if (tokenizer_directory_.empty()) return {};  // a preset on token records alone
  if (fs::exists(staging / "tokenizer_config.json") || fs::exists(staging / "tokenizer.json")) return staging;
  models::copy_other_files(tokenizer_directory_, staging);
  fs::remove(staging / "config.json");
  return staging;
}

models::ForwardOptions ModelSource::forward_options() const {
  models::ForwardOptions options;
  switch (section_.recompute) {
    case configs::RecomputePolicy::none:
      options.recompute = models::Recompute::none;
      break;
    case configs::RecomputePolicy::mlp:
      options.recompute = models::Recompute::mlp;
      break;
    case configs::RecomputePolicy::block:
      options.recompute = models::Recompute::block;
      break;
  }
  const bool by_default = directory_ == nullptr;  // transformers' padding_idx for directories, every row for fresh weights
  options.train_pad_embedding =
      section_.train_pad_embedding == configs::AutoBool::automatic ? by_default : section_.train_pad_embedding == configs::AutoBool::yes;
  options.inclusive_window = section_.window == configs::WindowRule::inclusive;
  options.router = section_.router;
  return options;
}

}  // namespace phidias::trainer
