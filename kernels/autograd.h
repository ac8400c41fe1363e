// What the autograd Functions of kernels/ share: carrying a Parameter through a context, and adding to its gradient. Internal.
#pragma once

#include <ATen/core/Tensor.h>
#include <ATen/core/grad_mode.h>
#include <torch/csrc/autograd/custom_function.h>

#include <cstdint>
#include <string>

#include "kernels/parameter.h"

namespace phidias::kernels {

// Without gradients no Function is applied: less overhead, and inference tensors are never saved.
inline bool records_gradients() { return at::GradMode::is_enabled(); }

inline void save_parameter(torch::autograd::AutogradContext* ctx, const std::string& name, Parameter* parameter) {
  ctx->saved_data[name] = static_cast<std::int64_t>(reinterpret_cast<std::intptr_t>(parameter));
}
inline Parameter* saved_parameter(torch::autograd::AutogradContext* ctx, const std::string& name) {
  return reinterpret_cast<Parameter*>(static_cast<std::intptr_t>(ctx->saved_data[name].toInt()));
}

// gradient = beta * gradient + d_value (any floating-point type).
inline void accumulate(Parameter& parameter, const at::Tensor& d_value) {
  if (parameter.has_gradient)
    parameter.gradient.add_(d_value);
  else
    parameter.gradient.copy_(d_value);
}
// The same, and reports the contribution.
inline void contribute(Parameter& parameter, const at::Tensor& d_value) {
  accumulate(parameter, d_value);
  parameter.contributed();
}

// gradient [out, in] = beta * gradient + dy^T x, in float32, and reports the contribution. dy [T, out], x [T, in].
void contribute_product(Parameter& parameter, const at::Tensor& dy, const at::Tensor& x);
// The same without the report: for weight gradients that arrive in pieces.
void accumulate_product(Parameter& parameter, const at::Tensor& dy, const at::Tensor& x);

}  // namespace phidias::kernels
