// up * silu(gate): gate_up [T, 2 I] (gate half first, Phi-3's order) -> [T, I]. Saves gate_up only.
#pragma once

#include <ATen/core/Tensor.h>

namespace phidias::kernels {

at::Tensor swiglu(const at::Tensor& gate_up);

}  // namespace phidias::kernels
