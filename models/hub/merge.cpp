#include "models/hub/merge.h"

#include <ATen/core/grad_mode.h>
#include <ATen/ops/addmm.h>
#include <ATen/ops/empty.h>

#include <algorithm>

#include "base/error.h"
#include "models/layers/lora.h"

namespace phidias::models {

namespace {

constexpr std::int64_t kRowBlock = 1024;
constexpr std::string_view kWeight = ".weight";

// "<module>" of "<module>.weight" when it is adapted; else empty.
std::string adapted_module(const AdapterDirectory& adapter, const std::string& name) {
  if (!name.ends_with(kWeight)) return {};
  const std::string module = name.substr(0, name.size() - kWeight.size());
  return adapter.modules().contains(module) ? module : std::string();
}

}  // namespace

MergedWeights::MergedWeights(const ModelDirectory& base, const AdapterDirectory& adapter) : base_(base), adapter_(adapter), scale_(lora_scale(adapter.lora())) {
  std::string problems;
  for (const std::string& module : adapter.modules()) {
    const std::string name = module + std::string(kWeight);
    const auto found = base.tensors().find(name);
    if (found == base.tensors().end()) {
      problems += "\n  " + module + ": the base has no " + name;
      continue;
    }
    const std::vector<std::int64_t>& shape = found->second.shape;
    const std::vector<std::int64_t>&a = adapter.find(module + ".lora_A.weight")->shape, &b = adapter.find(module + ".lora_B.weight")->shape;
    if (shape.size() != 2 || shape[0] != b[0] || shape[1] != a[1]) problems += "\n  " + module + ": other sizes than the base's";
    if (a[0] != adapter.lora().rank) problems += "\n  " + module + ": rank " + std::to_string(a[0]) + " instead of " + std::to_string(adapter.lora().rank);
  }
  if (!problems.empty()) throw CheckpointError(adapter.path().string() + " does not fit " + base.path().string() + ":" + problems);
  const std::unique_ptr<CausalLM> model = make_model(base.config());
  model->add_adapters(adapter.lora());
  adapter_reader(adapter, *model);  // throws unless the tensors are those of all modules that the configuration names
}

at::Tensor MergedWeights::rows(const std::string& name, std::int64_t begin, std::int64_t end) const {
  const at::NoGradGuard no_gradients;
  const at::Tensor weight = base_.tensor(name);
  const std::string module = adapted_module(adapter_, name);
  if (module.empty()) return weight.narrow(0, begin, end - begin);
  const at::Tensor a = adapter_.tensor(module + ".lora_A.weight").to(at::kFloat), b = adapter_.tensor(module + ".lora_B.weight").to(at::kFloat);
  at::Tensor result = at::empty({end - begin, weight.size(1)}, at::kFloat);
  for (std::int64_t block = begin / kRowBlock * kRowBlock; block < end; block += kRowBlock) {
    const std::int64_t count = std::min(kRowBlock, weight.size(0) - block);
    const at::Tensor merged = at::addmm(weight.narrow(0, block, count).to(at::kFloat), b.narrow(0, block, count), a, 1, scale_);
    const std::int64_t from = std::max(begin, block), to = std::min(end, block + count);
    result.narrow(0, from - begin, to - from).copy_(merged.narrow(0, from - block, to - from));
  }
  return result;
}

at::Tensor MergedWeights::tensor(const std::string& name) const {
  const at::Tensor weight = base_.tensor(name);
  return adapted_module(adapter_, name).empty() ? weight : rows(name, 0, weight.size(0));
}

TensorProvider MergedWeights::provider() const {
  return [this](const std::string& name) { return tensor(name); };
}

RangeReader MergedWeights::reader(const CausalLM& model) const {
  return [this, plain = range_reader(base_, model)](const ParameterDeclaration& declaration, const LogicalTensor& tensor, std::int64_t begin, std::int64_t end,
                                                    at::Tensor out) {
    if (begin == end || adapted_module(adapter_, tensor.name).empty()) return plain(declaration, tensor, begin, end, std::move(out));
    const at::NoGradGuard no_gradients;
    const std::int64_t width = tensor.shape[1], first = begin / width, last = (end + width - 1) / width;
    out.copy_(rows(tensor.name, first, last).view({-1}).narrow(0, begin - first * width, end - begin));
  };
}

}  // namespace phidias::models
