// y = x W^T (+ b), weight [out, in], with low-rank adapters where they were added; the operations and their gradients are kernels/linear.h and
// kernels/lora.h.
//
// A weight may hold several linear modules of the checkpoint as consecutive rows (`parts`: q_proj, k_proj, v_proj), computed as one product.
#pragma once

#include <string>
#include <vector>

#include "kernels/linear.h"
#include "kernels/lora.h"
#include "models/layers/layer.h"

namespace phidias::models {

// A linear module of the checkpoint inside a fused weight. `name` replaces the layer's own in tensor names.
struct LinearPart {
  std::string name;
  std::int64_t rows = 0;
};

class Linear : public Layer {
 public:
  Linear(std::int64_t in, std::int64_t out, bool bias = false, std::vector<LinearPart> parts = {});
  // draw_keys: PackedBatch's, for the adapters' dropout.
  at::Tensor forward(const at::Tensor& x, const at::Tensor& draw_keys = {}) {
    return lora_.modules.empty() ? kernels::linear(x, weight_, bias_) : kernels::linear_with_adapters(x, weight_, bias_, lora_, draw_keys);
  }
  kernels::Parameter& weight() { return weight_; }
  kernels::Parameter* bias() { return bias_; }
  bool adapted() const { return !lora_.modules.empty(); }

  void list_adaptable(const std::string& path, std::vector<AdaptableModule>& modules) const override;
  void add_adapters(const std::string& path, int block, const AdapterPlan& plan) override;

 protected:
  void name_tensors(const std::string& path, ParameterDeclaration& declaration) const override;

 private:
  std::int64_t in_, out_;
  std::vector<LinearPart> parts_;
  kernels::Parameter& weight_;
  kernels::Parameter* bias_ = nullptr;
  kernels::LinearLora lora_;  // without modules: none
};

}  // namespace phidias::models
