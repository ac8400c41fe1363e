// What the two ways of computing the experts' rows share: one product per expert (expert_mlp.cpp) or one for all (expert_grouped.cpp). Internal.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>

#include "kernels/expert_lora.h"
#include "kernels/expert_mlp.h"
#include "kernels/expert_routes.h"

namespace phidias::kernels {

// Rows in expert order: what the experts were given, before and after the first product.
struct Computed {
  at::Tensor inputs, gate_up, keys;
};

struct Gradients {
  at::Tensor x, weights;  // of the rows, expert order, and of their weights
};

// Rows of one expert inside the tensors of all.
struct Span {
  std::int64_t begin, count;
  at::Tensor of(const at::Tensor& rows) const { return rows.defined() ? rows.narrow(0, begin, count) : rows; }
};
inline Span span_of(const ExpertRoutes& routes, std::int64_t e) {
  const std::int64_t begin = routes.offsets[static_cast<std::size_t>(e)];
  return {begin, routes.offsets[static_cast<std::size_t>(e) + 1] - begin};
}

inline ExpertAdapter adapter(const Experts& parameters, int matrix, const ExpertRoutes& routes, std::int64_t e, const at::Tensor& keys) {
  static const ExpertLora kNone;
  return {parameters.lora != nullptr ? *parameters.lora : kNone, matrix, e, routes.first_expert + e, keys};
}

// One product for all experts (at::_grouped_mm: bfloat16, widths that are multiples of 16 bytes): by default on a GPU, where it can be.
bool uses_grouped_products(const Experts& parameters, const at::Tensor& rows);
// Outputs of the rows in computed.inputs, before their weights; fills computed.gate_up.
at::Tensor grouped_forward(const Experts& parameters, const ExpertRoutes& routes, Computed& computed);
// As experts_backward of expert_mlp.cpp: gradients of the parameters are written, not reported.
Gradients grouped_backward(const at::Tensor& d_out, const at::Tensor& weights, const Experts& parameters, const ExpertRoutes& routes, const Computed& computed);

}  // namespace phidias::kernels
