// The product of a few rows with a weight matrix, streaming the weights once: what generation spends its time on. Internal.
#pragma once

#include <ATen/core/Tensor.h>

namespace phidias::kernels {

// True when skinny_product takes these: 1 to 16 rows on the CPU, one type. bias may be undefined.
bool fits_skinny(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias);
// x [rows, in] weight [out, in]^T + bias [out] -> [rows, out]; `type` is float32 or x's type. Sums in float32. No gradient.
at::Tensor skinny_product(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias, at::ScalarType type);

}  // namespace phidias::kernels
