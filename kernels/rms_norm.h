// Root-mean-square normalisation, alone and fused with the residual addition before it.
//
// y = (x * rsqrt(mean(x^2) + eps)) rounded to x's dtype, times weight (statistics in float32). Source: transformers Phi3RMSNorm 4.57.3.
// Shapes: x, update, y [T, hidden]; weight [hidden].
#pragma once

#include <ATen/core/Tensor.h>

#include <utility>

#include "kernels/parameter.h"

namespace phidias::kernels {

at::Tensor rms_norm(const at::Tensor& x, Parameter& weight, double eps);
// {x + update, rms_norm(x + update)}: one pass over memory; the gradient of both outputs is joined in one pass too.
std::pair<at::Tensor, at::Tensor> add_rms_norm(const at::Tensor& x, const at::Tensor& update, Parameter& weight, double eps);

}  // namespace phidias::kernels
