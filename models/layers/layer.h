// The base of every layer: a torch::nn::Module that declares its parameters first and receives their storage later.
//
// A layer registers children under the names of the Hugging Face checkpoint, so that the path of a parameter in the module tree is its
// tensor name ("model.layers.0.mlp.down_proj.weight"). Construction allocates nothing: whoever owns memory (the trainer's engine,
// models/allocate, models/hub) reads the declarations and sets Parameter::value (and ::gradient), which the layer uses at its next call.
#pragma once

#include <torch/nn/module.h>

#include <memory>
#include <string>
#include <vector>

#include "kernels/parameter.h"
#include "models/causal_lm.h"

namespace phidias::models {

struct AdaptableModule;  // models/layers/lora.h
struct AdapterPlan;

class Layer : public torch::nn::Module {
 public:
  // Appends this layer's and its children's parameters in the order of registration, full names, and writes the name into each Parameter.
  void collect(const std::string& prefix, int block, std::vector<ParameterDeclaration>& declarations);
  // Makes the bound values visible to LibTorch: named_parameters(), print, hooks. Computation does not need it.
  void expose_parameters();
  // A parameter of this layer or below has a gradient buffer.
  bool trainable() const;

  // Appends the linear modules of the checkpoint that this layer and its children compute. `path`: of this layer, with a dot at the end.
  virtual void list_adaptable(const std::string& path, std::vector<AdaptableModule>& modules) const;
  // Declares the adapters that the plan asks for here and below. Once, before collect().
  virtual void add_adapters(const std::string& path, int block, const AdapterPlan& plan);

 protected:
  kernels::Parameter& declare(const std::string& name, std::vector<std::int64_t> shape, Initialisation initialisation = Initialisation::normal,
                              bool matrix = true);
  // Fills declaration.tensors: by default the parameter is one tensor of the same name and shape. `path`: of this layer, with a dot at the end;
  // declaration.name starts with it.
  virtual void name_tensors(const std::string& path, ParameterDeclaration& declaration) const;

 private:
  struct Declared {
    ParameterDeclaration declaration;  // name: the leaf name
    kernels::Parameter parameter;
  };
  std::vector<std::unique_ptr<Declared>> declared_;  // addresses are stable
};

// A list of layers named "0", "1", ...
class LayerList : public Layer {};

}  // namespace phidias::models
