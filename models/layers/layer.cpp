#include "models/layers/layer.h"

#include <utility>

namespace phidias::models {

kernels::Parameter& Layer::declare(const std::string& name, std::vector<std::int64_t> shape, Initialisation initialisation, bool matrix) {
  auto declared = std::make_unique<Declared>();
  ParameterDeclaration& declaration = declared->declaration;
  declaration.name = name;
  declaration.shape = std::move(shape);
  declaration.initialisation = initialisation;
  declaration.matrix = matrix;
  declaration.parameter = &declared->parameter;
  register_parameter(name, at::Tensor(), /*requires_grad=*/false);
  declared_.push_back(std::move(declared));
  return declared_.back()->parameter;
}

void Layer::name_tensors(const std::string&, ParameterDeclaration& declaration) const { declaration.tensors = {{declaration.name, declaration.shape, 0}}; }

void Layer::collect(const std::string& prefix, int block, std::vector<ParameterDeclaration>& declarations) {
  for (const auto& declared : declared_) {
    ParameterDeclaration declaration = declared->declaration;
    declaration.name = prefix + declaration.name;
    declaration.block = block;
    name_tensors(prefix, declaration);
    declared->parameter.name = declaration.name;
    declarations.push_back(std::move(declaration));
  }
  const bool is_list = dynamic_cast<const LayerList*>(this) != nullptr;
  for (const auto& child : named_children()) {
    auto* layer = dynamic_cast<Layer*>(child.value().get());
    if (layer != nullptr) layer->collect(prefix + child.key() + ".", is_list ? std::stoi(child.key()) : block, declarations);
  }
}

void Layer::list_adaptable(const std::string& path, std::vector<AdaptableModule>& modules) const {
  for (const auto& child : named_children()) {
    const auto* layer = dynamic_cast<const Layer*>(child.value().get());
    if (layer != nullptr) layer->list_adaptable(path + child.key() + ".", modules);
  }
}

void Layer::add_adapters(const std::string& path, int block, const AdapterPlan& plan) {
  const bool is_list = dynamic_cast<const LayerList*>(this) != nullptr;
  for (const auto& child : named_children()) {
    auto* layer = dynamic_cast<Layer*>(child.value().get());
    if (layer != nullptr) layer->add_adapters(path + child.key() + ".", is_list ? std::stoi(child.key()) : block, plan);
  }
}

void Layer::expose_parameters() {
  for (const auto& declared : declared_) parameters_[declared->declaration.name] = declared->parameter.value;
  for (const auto& child : children()) {
    if (auto* layer = dynamic_cast<Layer*>(child.get())) layer->expose_parameters();
  }
}

bool Layer::trainable() const {
  for (const auto& declared : declared_) {
    if (declared->parameter.trainable()) return true;
  }
  for (const auto& child : children()) {
    const auto* layer = dynamic_cast<const Layer*>(child.get());
    if (layer != nullptr && layer->trainable()) return true;
  }
  return false;
}

}  // namespace phidias::models
