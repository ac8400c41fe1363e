#include "models/layers/linear.h"

#include <utility>

#include "models/layers/lora.h"

namespace phidias::models {

namespace {

// "model.layers.0.self_attn." of "model.layers.0.self_attn.qkv_proj."
std::string parent_of(const std::string& path) { return path.substr(0, path.rfind('.', path.size() - 2) + 1); }

}  // namespace

Linear::Linear(std::int64_t in, std::int64_t out, bool bias, std::vector<LinearPart> parts)
    : in_(in), out_(out), parts_(std::move(parts)), weight_(declare("weight", {out, in})) {
  if (bias) bias_ = &declare("bias", {out}, Initialisation::zeros, /*matrix=*/false);
}

void Linear::name_tensors(const std::string& path, ParameterDeclaration& declaration) const {
  if (parts_.empty()) return Layer::name_tensors(path, declaration);
  const std::string leaf = declaration.name.substr(path.size());  // "weight" or "bias"
  const std::string parent = parent_of(path);
  std::int64_t offset = 0;
  for (const LinearPart& part : parts_) {
    LogicalTensor tensor{parent + part.name + "." + leaf, declaration.shape, offset};
    tensor.shape[0] = part.rows;
    offset += tensor.count();
    declaration.tensors.push_back(std::move(tensor));
  }
}

void Linear::list_adaptable(const std::string& path, std::vector<AdaptableModule>& modules) const {
  if (parts_.empty()) modules.push_back({path.substr(0, path.size() - 1), {}});
  for (const LinearPart& part : parts_) modules.push_back({parent_of(path) + part.name, {}});
}

void Linear::add_adapters(const std::string& path, int block, const AdapterPlan& plan) {
  const std::string own = path.substr(0, path.size() - 1), parent = parent_of(path);
  std::vector<AdaptedRows> adapted;
  std::int64_t row = 0;
  for (const LinearPart& part : parts_) {
    if (plan.contains(parent + part.name)) {
      lora_.modules.push_back({row, part.rows});
      adapted.push_back({parent + part.name, part.rows});
    }
    row += part.rows;
  }
  if (parts_.empty() && plan.contains(own)) {
    lora_.modules.push_back({0, out_});
    adapted.push_back({own, out_});
  }
  if (adapted.empty()) return;
  const LoraFactors factors = declare_factors(*this, adapted, in_, plan);
  lora_.a = factors.a;
  lora_.b = factors.b;
  lora_.scale = plan.scale;
  lora_.dropout = plan.dropout;
  lora_.site = adapter_site(own, block);
}

}  // namespace phidias::models
