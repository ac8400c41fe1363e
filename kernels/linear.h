// y = x W^T (+ b) with the weight gradient written into the parameter's flat buffer.
//
// Shapes: x [T, in], weight [out, in], bias [out], y [T, out]; x and weight share a dtype (float32 or bfloat16); T = 0 is allowed.
// The weight gradient is float32 also for bfloat16 weights. Without gradients (inference) few rows take a skinny product that streams the
// weight once (specs/cpu-performance.md).
#pragma once

#include <ATen/core/Tensor.h>

#include "kernels/parameter.h"

namespace phidias::kernels {

at::Tensor linear(const at::Tensor& x, Parameter& weight, Parameter* bias = nullptr);

}  // namespace phidias::kernels
