#include "models/layers/lora.h"

#include <fnmatch.h>

#include <cmath>
#include <map>
#include <memory>
#include <utility>

#include "base/error.h"
#include "base/hash.h"
#include "kernels/draws.h"

namespace phidias::models {

namespace {

constexpr const char* kHead = "lm_head";
constexpr const char* kExpertMatrices[] = {"w1", "w2", "w3"};

std::string last_part(const std::string& path) { return path.substr(path.rfind('.') + 1); }

bool is_pattern(const std::string& target) { return target.find_first_of("*?[") != std::string::npos; }

bool matches(const std::string& target, const std::string& path) {
  if (target == "all-linear") return path != kHead;
  if (is_pattern(target)) return ::fnmatch(target.c_str(), path.c_str(), 0) == 0;
  return path == target || path.ends_with("." + target);
}

// "qkv_proj, o_proj (for example model.layers.0.self_attn.qkv_proj)": the last parts in the order of the walk, each once.
std::string existing(const std::vector<AdaptableModule>& modules) {
  std::vector<std::string> names;
  std::set<std::string> seen;
  for (const AdaptableModule& module : modules)
    if (module.path != kHead && seen.insert(last_part(module.path)).second) names.push_back(last_part(module.path));
  std::string text;
  for (const std::string& name : names) text += (text.empty() ? "" : ", ") + name;
  return text + (modules.empty() ? "" : "; a whole path is for example " + modules.front().path);
}

std::set<std::string> match_all(const std::vector<AdaptableModule>& modules, const std::vector<std::string>& targets) {
  std::set<std::string> chosen;
  std::string problems;
  for (const std::string& target : targets) {
    bool matched = false;
    for (const AdaptableModule& module : modules) {
      if (!matches(target, module.path)) continue;
      matched = true;
      if (module.path == kHead)
        throw ConfigError("model.lora.targets: \"" + target + "\" names lm_head, which takes no adapters here (all-linear leaves it out)");
      chosen.insert(module.path);
    }
    if (!matched) problems += "\n  \"" + target + "\"";
  }
  if (problems.empty()) return chosen;
  throw ConfigError("model.lora.targets: no linear module of this model is called" + problems + "\nthere are " + existing(modules));
}

// Of each of w1, w2 and w3 every expert of a layer, or none.
void check_experts(const std::vector<AdaptableModule>& modules, const std::set<std::string>& chosen) {
  struct Count {
    std::int64_t chosen = 0, all = 0;
  };
  std::map<std::string, Count> groups;  // by AdaptableModule::experts: a matrix of a layer
  for (const AdaptableModule& module : modules) {
    if (module.experts.empty()) continue;
    Count& count = groups[module.experts];
    ++count.all;
    count.chosen += chosen.contains(module.path) ? 1 : 0;
  }
  std::string problems;
  for (const auto& [group, count] : groups)
    if (count.chosen > 0 && count.chosen < count.all) problems += "\n  " + group + ": " + std::to_string(count.chosen) + " of " + std::to_string(count.all);
  if (problems.empty()) return;
  throw ConfigError(
      "model.lora.targets name only part of the experts; a matrix is adapted in all experts of a layer (target \"w1\" or \"*.experts.*.w1\") or in none:" +
      problems);
}

// One storage of A or B tensors.
class LoraFactor : public Layer {
 public:
  // bound 0: zeros; otherwise uniform in (-bound, bound).
  LoraFactor(std::vector<std::int64_t> shape, std::vector<LogicalTensor> tensors, double bound, Placement placement)
      : tensors_(std::move(tensors)),
        bound_(bound),
        placement_(placement),
        weight_(declare("weight", std::move(shape), bound == 0.0 ? Initialisation::zeros : Initialisation::uniform)) {}
  kernels::Parameter& weight() { return weight_; }

 protected:
  void name_tensors(const std::string&, ParameterDeclaration& declaration) const override {
    declaration.adapter = true;
    declaration.placement = placement_;
    declaration.tensors = tensors_;
    if (bound_ != 0.0) declaration.scale = bound_;
  }

 private:
  std::vector<LogicalTensor> tensors_;
  double bound_;
  Placement placement_;
  kernels::Parameter& weight_;
};

kernels::Parameter* declare_factor(Layer& owner, const std::string& name, std::vector<std::int64_t> shape, std::vector<LogicalTensor> tensors, double bound,
                                   Placement placement) {
  std::int64_t offset = 0;
  for (LogicalTensor& tensor : tensors) {
    tensor.offset = offset;
    offset += tensor.count();
  }
  return &owner.register_module(name, std::make_shared<LoraFactor>(std::move(shape), std::move(tensors), bound, placement))->weight();
}

// PEFT's kaiming_uniform with a = sqrt(5): sqrt(6 / ((1 + 5) in)).
double bound_of_a(std::int64_t in) { return 1.0 / std::sqrt(static_cast<double>(in)); }

LoraFactors declare_stack(Layer& owner, const std::string& path, const char* matrix, const LocalExperts& experts, std::int64_t in, std::int64_t out,
                          const AdapterPlan& plan) {
  const std::string before = path + "experts.", after = std::string(".") + matrix;
  if (!plan.contains(before + "0" + after)) return {};  // all experts or none
  std::vector<LogicalTensor> a, b;
  for (std::int64_t e = experts.first; e < experts.first + experts.local; ++e) {
    const std::string module = before + std::to_string(e) + after;
    a.push_back({module + ".lora_A.weight", {plan.rank, in}});
    b.push_back({module + ".lora_B.weight", {out, plan.rank}});
  }
  const std::string child = matrix;
  LoraFactors factors;
  factors.a = declare_factor(owner, child + "_lora_A", {experts.local, plan.rank, in}, std::move(a), bound_of_a(in), Placement::expert);
  factors.b = declare_factor(owner, child + "_lora_B", {experts.local, out, plan.rank}, std::move(b), 0.0, Placement::expert);
  return factors;
}

}  // namespace

double lora_scale(const configs::LoraSection& section) {
  const double rank = static_cast<double>(section.rank);
  return section.alpha.value() / (section.rslora ? std::sqrt(rank) : rank);
}

AdapterPlan plan_adapters(const std::vector<AdaptableModule>& modules, const configs::LoraSection& section) {
  if (section.rank < 1) throw ConfigError("model.lora.rank: at least 1 is needed");
  if (!section.alpha) throw ConfigError("model.lora.alpha is missing (PEFT's default is 8; twice the rank is common)");
  if (section.targets.empty()) throw ConfigError("model.lora.targets is empty; there are " + existing(modules) + "; all-linear takes all of them");
  AdapterPlan plan;
  plan.rank = section.rank;
  plan.scale = lora_scale(section);
  plan.dropout = section.dropout;
  plan.modules = match_all(modules, section.targets);
  check_experts(modules, plan.modules);
  return plan;
}

std::uint64_t adapter_site(const std::string& path, int block) {
  constexpr std::uint64_t kAdapters = 0x800000;  // upper half of the slots
  return kernels::draw_site(RandomSite::dropout, static_cast<std::uint64_t>(block), kAdapters | (hash_string(path).low & (kAdapters - 1)));
}

LoraFactors declare_factors(Layer& owner, const std::vector<AdaptedRows>& modules, std::int64_t in, const AdapterPlan& plan) {
  std::vector<LogicalTensor> a, b;
  std::int64_t rows = 0;
  for (const AdaptedRows& module : modules) {
    a.push_back({module.path + ".lora_A.weight", {plan.rank, in}});
    b.push_back({module.path + ".lora_B.weight", {module.rows, plan.rank}});
    rows += module.rows;
  }
  LoraFactors factors;
  factors.a = declare_factor(owner, "lora_A", {static_cast<std::int64_t>(modules.size()) * plan.rank, in}, std::move(a), bound_of_a(in), Placement::dense);
  factors.b = declare_factor(owner, "lora_B", {rows, plan.rank}, std::move(b), 0.0, Placement::dense);
  return factors;
}

void list_experts(const std::string& path, std::int64_t count, std::vector<AdaptableModule>& modules) {
  for (std::int64_t e = 0; e < count; ++e)
    for (const char* matrix : kExpertMatrices) modules.push_back({path + "experts." + std::to_string(e) + "." + matrix, path + "experts.*." + matrix});
}

void declare_expert_factors(Layer& owner, const std::string& path, int block, const LocalExperts& experts, const AdapterPlan& plan, kernels::ExpertLora& lora) {
  const LoraFactors gate = declare_stack(owner, path, "w1", experts, experts.hidden, experts.inner, plan);
  const LoraFactors up = declare_stack(owner, path, "w3", experts, experts.hidden, experts.inner, plan);
  const LoraFactors down = declare_stack(owner, path, "w2", experts, experts.inner, experts.hidden, plan);
  lora = {gate.a, gate.b, up.a, up.b, down.a, down.b, plan.scale, plan.dropout, adapter_site(path + "experts", block)};
}

}  // namespace phidias::models
