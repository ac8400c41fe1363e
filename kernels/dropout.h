// x * mask / (1 - p), the mask drawn per token and element (draws.h) and drawn again in backward: nothing is kept. p = 0 or undefined draw_keys: x.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>

namespace phidias::kernels {

at::Tensor dropout(const at::Tensor& x, double p, const at::Tensor& draw_keys, std::uint64_t site);

}  // namespace phidias::kernels
