// The experts by grouped products: the rows of all experts in one launch each. Gradients of weights stay one product per expert, because those
// accumulate in float32 straight into the parameter's buffer.
#include <ATen/ops/_grouped_mm.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/empty_like.h>
#include <ATen/ops/tensor.h>

#include <vector>

#include "kernels/expert_rows.h"
#include "kernels/expert_steps.h"

namespace phidias::kernels {
namespace {

constexpr std::int64_t kAlignment = 8;  // bfloat16 values in 16 bytes

// Ends of the experts' rows, as at::_grouped_mm takes them.
at::Tensor row_ends(const ExpertRoutes& routes, const at::Device& device) {
  const std::vector<std::int32_t> ends(routes.offsets.begin() + 1, routes.offsets.end());
  return at::tensor(ends, at::kInt).to(device);
}

// rows [R, in] times weights [E, in, out] of each row's expert.
at::Tensor grouped_product(const at::Tensor& rows, const at::Tensor& weights, const at::Tensor& ends) {
  return rows.size(0) == 0 ? at::empty({0, weights.size(2)}, rows.options()) : at::_grouped_mm(rows, weights, ends);
}

template <typename Body>
void for_experts_with_rows(const ExpertRoutes& routes, Body body) {
  for (std::int64_t e = 0; e < routes.local_experts(); ++e)
    if (const Span rows = span_of(routes, e); rows.count > 0) body(e, rows);
}

}  // namespace

bool uses_grouped_products(const Experts& parameters, const at::Tensor& rows) {
  const bool can = rows.scalar_type() == at::kBFloat16 && parameters.down->value.size(1) % kAlignment == 0 && parameters.down->value.size(2) % kAlignment == 0;
  return can && parameters.grouped.value_or(rows.is_cuda());
}

at::Tensor grouped_forward(const Experts& parameters, const ExpertRoutes& routes, Computed& computed) {
  const at::Tensor ends = row_ends(routes, computed.inputs.device());
  const std::int64_t inner = parameters.down->value.size(2);
  computed.gate_up = grouped_product(computed.inputs, parameters.gate_up->value.transpose(1, 2), ends);
  for_experts_with_rows(routes, [&](std::int64_t e, const Span& rows) {
    for (int matrix = 0; matrix < 2; ++matrix) {
      const ExpertAdapter lora = adapter(parameters, matrix, routes, e, rows.of(computed.keys));
      if (!lora.empty()) lora.add_to(rows.of(computed.inputs), rows.of(computed.gate_up).narrow(1, matrix * inner, inner));
    }
  });
  const at::Tensor h = at::empty({routes.rows(), inner}, computed.inputs.options());
  swiglu_rows(computed.gate_up, h);
  const at::Tensor out = grouped_product(h, parameters.down->value.transpose(1, 2), ends);
  for_experts_with_rows(routes, [&](std::int64_t e, const Span& rows) {
    const ExpertAdapter lora = adapter(parameters, 2, routes, e, rows.of(computed.keys));
    if (!lora.empty()) lora.add_to(rows.of(h), rows.of(out));
  });
  return out;
}

Gradients grouped_backward(const at::Tensor& d_out, const at::Tensor& weights, const Experts& parameters, const ExpertRoutes& routes,
                           const Computed& computed) {
  Parameter &up = *parameters.gate_up, &down = *parameters.down;
  const at::Tensor ends = row_ends(routes, d_out.device());
  const std::int64_t inner = down.value.size(2);
  const at::Tensor d_h = grouped_product(d_out, down.value, ends), d_gate_up = at::empty_like(computed.gate_up);
  std::vector<at::Tensor> down_inner(static_cast<std::size_t>(routes.local_experts()));
  for_experts_with_rows(routes, [&](std::int64_t e, const Span& rows) {
    const ExpertAdapter lora = adapter(parameters, 2, routes, e, rows.of(computed.keys));
    if (lora.empty()) return;
    down_inner[static_cast<std::size_t>(e)] = lora.inner_gradient(rows.of(d_out));
    lora.add_input_gradient(down_inner[static_cast<std::size_t>(e)], rows.of(d_h));
  });
  Gradients gradients{{}, at::empty({routes.rows()}, weights.options())};
  weighted_swiglu_backward(d_h, computed.gate_up, weights, d_gate_up, gradients.weights);
  gradients.x = grouped_product(d_gate_up, up.value, ends);
  for (std::int64_t e = 0; e < routes.local_experts(); ++e) {
    const Span rows = span_of(routes, e);
    if (rows.count == 0) {
      clear_expert(parameters, e);
      continue;
    }
    const at::Tensor in = rows.of(computed.inputs), dy = rows.of(d_out), weighted_h = rows.of(d_h), dg = rows.of(d_gate_up), keys = rows.of(computed.keys);
    if (down.trainable()) accumulate_slice(down, e, dy, weighted_h);
    if (up.trainable()) accumulate_slice(up, e, dg, in);
    if (const ExpertAdapter lora = adapter(parameters, 2, routes, e, keys); !lora.empty())
      lora.add_parameter_gradients(weighted_h, dy, down_inner[static_cast<std::size_t>(e)]);
    for (int matrix = 0; matrix < 2; ++matrix) {
      const ExpertAdapter lora = adapter(parameters, matrix, routes, e, keys);
      if (lora.empty()) continue;
      const at::Tensor part = dg.narrow(1, matrix * inner, inner), through = lora.inner_gradient(part);
      lora.add_input_gradient(through, rows.of(gradients.x));
      lora.add_parameter_gradients(in, part, through);
    }
  }
  return gradients;
}

}  // namespace phidias::kernels
