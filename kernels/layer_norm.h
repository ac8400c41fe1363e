// Layer normalisation with weight and bias, alone and fused with the residual addition before it.
//
// y = (x - mean) * rsqrt(var + eps) * weight + bias, statistics in float32, one rounding at the end (torch.nn.LayerNorm; phimoe and phi3small).
// Shapes: x, update, y [T, hidden]; weight, bias [hidden].
#pragma once

#include <ATen/core/Tensor.h>

#include <utility>

#include "kernels/parameter.h"

namespace phidias::kernels {

at::Tensor layer_norm(const at::Tensor& x, Parameter& weight, Parameter& bias, double eps);
// {x + update, layer_norm(x + update)}: one pass over memory; the gradient of both outputs is joined in one pass too.
std::pair<at::Tensor, at::Tensor> add_layer_norm(const at::Tensor& x, const at::Tensor& update, Parameter& weight, Parameter& bias, double eps);

}  // namespace phidias::kernels
