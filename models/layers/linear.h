// y = x W^T (+ b), weight [out, in]; the operation and its gradient are kernels/linear.h.
//
// A weight may hold several linear modules of the checkpoint as consecutive rows (`parts`: q_proj, k_proj, v_proj), computed as one product.
#pragma once

#include <string>
#include <vector>

#include "kernels/linear.h"
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
  at::Tensor forward(const at::Tensor& x) { return kernels::linear(x, weight_, bias_); }
  kernels::Parameter& weight() { return weight_; }
  kernels::Parameter* bias() { return bias_; }

 protected:
  void name_tensors(const std::string& path, ParameterDeclaration& declaration) const override;

 private:
  std::vector<LinearPart> parts_;
  kernels::Parameter& weight_;
  kernels::Parameter* bias_ = nullptr;
};

}  // namespace phidias::models
