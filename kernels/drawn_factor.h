// Each element times a factor drawn for it (draws.h): what dropout and jitter are made of. Internal.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>

#include "kernels/cpu/kernels.h"

namespace phidias::kernels {

using cpu::DrawnFactor;

inline DrawnFactor dropout_factor(double p, std::uint64_t site) {
  return {site, static_cast<float>(p), p < 1.0 ? static_cast<float>(1.0 / (1.0 - p)) : 0.0F, 0.0F};
}
inline DrawnFactor jitter_factor(double epsilon, std::uint64_t site) {
  return {site, 0.0F, static_cast<float>(1.0 - epsilon), static_cast<float>(2.0 * epsilon)};
}

// x [T, width], draw_keys [T]; the gradient is multiplied by the same factors, drawn again. Other types than float32 and bfloat16 draw on the CPU.
at::Tensor times_drawn_factor(const at::Tensor& x, const at::Tensor& draw_keys, const DrawnFactor& factor);
// The same without recording a gradient.
at::Tensor apply_drawn_factor(const at::Tensor& x, const at::Tensor& draw_keys, const DrawnFactor& factor);

}  // namespace phidias::kernels
