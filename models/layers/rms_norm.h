// Root-mean-square normalisation with a learned scale (kernels/rms_norm.h).
#pragma once

#include <utility>

#include "kernels/rms_norm.h"
#include "models/layers/norm.h"

namespace phidias::models {

class RmsNorm : public Norm {
 public:
  RmsNorm(std::int64_t hidden, double eps) : weight_(declare("weight", {hidden}, Initialisation::ones, /*matrix=*/false)), eps_(eps) {}
  at::Tensor forward(const at::Tensor& x) override { return kernels::rms_norm(x, weight_, eps_); }
  std::pair<at::Tensor, at::Tensor> forward(const at::Tensor& x, const at::Tensor& update) override {
    if (!update.defined()) return {x, forward(x)};
    return kernels::add_rms_norm(x, update, weight_, eps_);
  }

 private:
  kernels::Parameter& weight_;
  double eps_;
};

}  // namespace phidias::models
