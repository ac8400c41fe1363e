#include "trainer/engine/flat_parameters.h"

#include <ATen/ops/empty.h>
#include <ATen/ops/zeros.h>
#include <c10/core/GradMode.h>
#include <fnmatch.h>

#include <algorithm>

#include "base/error.h"

namespace phidias::trainer {
namespace {

constexpr std::int64_t kAlignment = 32;  // elements: 64 bytes of bfloat16, 128 of float32

std::int64_t count_of(const models::ParameterDeclaration& declaration) {
  std::int64_t count = 1;
  for (const std::int64_t size : declaration.shape) count *= size;
  return count;
}

// Reverse order of use: head and final norm, blocks from the last to the first, embedding.
int use_rank(const models::ParameterDeclaration& declaration, int blocks) { return blocks - declaration.block; }

bool matches(const std::string& pattern, const std::string& name) { return fnmatch(pattern.c_str(), name.c_str(), 0) == 0; }

bool is_trainable(const std::vector<std::string>& patterns, const std::string& name) {
  return patterns.empty() || std::any_of(patterns.begin(), patterns.end(), [&](const std::string& pattern) { return matches(pattern, name); });
}

std::int64_t lay_out(std::vector<FlatSlot>& slots, std::int64_t begin) {
  for (FlatSlot& slot : slots) {
    slot.offset = begin;
    slot.count = count_of(*slot.declaration);
    begin += (slot.count + kAlignment - 1) / kAlignment * kAlignment;
  }
  return begin;
}

}  // namespace

FlatParameters::FlatParameters(models::CausalLM& model, const FlatOptions& options) : options_(options) {
  const auto& declarations = model.declarations();
  for (const std::string& pattern : options.trainable)
    if (std::none_of(declarations.begin(), declarations.end(), [&](const auto& declaration) { return matches(pattern, declaration.name); }))
      throw ConfigError("model.trainable: no parameter matches '" + pattern + "' (patterns are shell patterns over whole names, such as '*self_attn*')");
  std::vector<FlatSlot> decayed, plain;
  for (const auto& declaration : declarations) {
    const bool decays = options.decay == configs::Decay::all || declaration.matrix;
    auto& group = !is_trainable(options.trainable, declaration.name) ? frozen_ : decays ? decayed : plain;
    group.push_back({&declaration, 0, 0});
  }
  const int blocks = static_cast<int>(model.config().num_layers);
  const auto later_use_first = [blocks](const FlatSlot& a, const FlatSlot& b) { return use_rank(*a.declaration, blocks) < use_rank(*b.declaration, blocks); };
  for (auto* group : {&decayed, &plain}) {
    std::reverse(group->begin(), group->end());  // a stable sort keeps the reversed order of declaration within a block
    std::stable_sort(group->begin(), group->end(), later_use_first);
  }
  decayed_count_ = lay_out(decayed, 0);
  size_ = lay_out(plain, decayed_count_);
  frozen_size_ = lay_out(frozen_, 0);
  trainable_ = std::move(decayed);
  trainable_.insert(trainable_.end(), plain.begin(), plain.end());
}

void FlatParameters::bind_for_loading() {
  const at::NoGradGuard no_grad;
  const auto memory = at::TensorOptions().device(options_.device);
  if (!master_.defined()) {
    master_ = at::zeros({size_}, memory.dtype(at::kFloat));
    frozen_values_ = at::zeros({frozen_size_}, memory.dtype(options_.dtype));
  }
  for (const FlatSlot& slot : trainable_) slot.parameter().value = slot.view(master_);
  for (const FlatSlot& slot : frozen_) slot.parameter().value = slot.view(frozen_values_);
}

void FlatParameters::bind_for_training() {
  const at::NoGradGuard no_grad;
  if (options_.dtype != at::kFloat) compute_ = master_.to(options_.dtype);
  if (!gradient_.defined()) gradient_ = at::zeros({size_}, at::TensorOptions().device(options_.device).dtype(at::kFloat));
  for (const FlatSlot& slot : trainable_) {
    kernels::Parameter& parameter = slot.parameter();
    parameter.value = slot.view(compute_.defined() ? compute_ : master_);
    parameter.value.set_requires_grad(true);
    parameter.gradient = slot.view(gradient_);
    parameter.has_gradient = false;
    parameter.contributions = 0;
  }
  for (const FlatSlot& slot : frozen_) {
    slot.parameter().value = slot.view(frozen_values_);
    slot.parameter().gradient.reset();
  }
}

}  // namespace phidias::trainer
