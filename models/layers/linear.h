// y = x W^T without a bias, weight [out, in]; the operation and its gradient are kernels/linear.h.
#pragma once

#include "kernels/linear.h"
#include "models/layers/layer.h"

namespace phidias::models {

class Linear : public Layer {
 public:
  Linear(std::int64_t in, std::int64_t out) : weight_(declare("weight", {out, in})) {}
  at::Tensor forward(const at::Tensor& x) { return kernels::linear(x, weight_); }
  kernels::Parameter& weight() { return weight_; }

 private:
  kernels::Parameter& weight_;
};

}  // namespace phidias::models
