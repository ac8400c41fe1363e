#include "trainer/model_setup.h"

#include "base/error.h"
#include "configs/presets.h"

namespace phidias::trainer {
namespace fs = std::filesystem;

ModelSource::ModelSource(const configs::ModelSection& section) : section_(section) {
  if (section.path.empty() == section.preset.empty()) throw ConfigError("model: give exactly one of path and preset");
  if (!section.add_tokens.empty()) throw ConfigError("model.add_tokens: this build cannot add tokens to a tokenizer");
  if (!section.path.empty()) {
    directory_ = std::make_unique<models::ModelDirectory>(section.path);
    config_ = directory_->config();
    tokenizer_directory_ = section.tokenizer.empty() ? section.path : section.tokenizer;
  } else {
    config_ = configs::read_preset(section.preset);
    tokenizer_directory_ = section.tokenizer;
  }
}

void ModelSource::fill(models::CausalLM& model, std::uint64_t seed) const {
  if (directory_)
    models::load_weights(*directory_, model);
  else
    models::initialise(model, seed);
}

at::ScalarType ModelSource::directory_dtype() const { return directory_ ? directory_->dtype() : at::kFloat; }

at::ScalarType ModelSource::export_dtype(at::ScalarType compute_dtype) const { return directory_ ? directory_->dtype() : compute_dtype; }

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
  return options;
}

}  // namespace phidias::trainer
