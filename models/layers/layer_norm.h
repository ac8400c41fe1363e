// Layer normalisation with weight and bias (kernels/layer_norm.h).
#pragma once

#include <utility>

#include "kernels/layer_norm.h"
#include "models/layers/norm.h"

namespace phidias::models {

class LayerNorm : public Norm {
 public:
  LayerNorm(std::int64_t hidden, double eps)
      : weight_(declare("weight", {hidden}, Initialisation::ones, /*matrix=*/false)),
        bias_(declare("bias", {hidden}, Initialisation::zeros, /*matrix=*/false)),
        eps_(eps) {}
  at::Tensor forward(const at::Tensor& x) override { return kernels::layer_norm(x, weight_, bias_, eps_); }
  std::pair<at::Tensor, at::Tensor> forward(const at::Tensor& x, const at::Tensor& update) override {
    if (!update.defined()) return {x, forward(x)};
    return kernels::add_layer_norm(x, update, weight_, bias_, eps_);
  }

 private:
  kernels::Parameter &weight_, &bias_;
  double eps_;
};

}  // namespace phidias::models
