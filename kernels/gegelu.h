// Phi-3-small's clamped gegelu: gate_up [T, 2 I], even columns g, odd columns l -> [T, I].
//
// g = min(g, limit), l = clamp(l, -limit, limit), infinities left alone; out = g * sigmoid(1.702 g) * (l + 1). Gradients of clamped values are 0.
// limit > 0; infinity: no clamp. Source: Phi-3-small's modeling_phi3_small.py. Saves gate_up only.
#pragma once

#include <ATen/core/Tensor.h>

namespace phidias::kernels {

at::Tensor gegelu(const at::Tensor& gate_up, double limit);

}  // namespace phidias::kernels
