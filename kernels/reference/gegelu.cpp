#include <ATen/TensorOperators.h>
#include <ATen/ops/clamp.h>
#include <ATen/ops/sigmoid.h>
#include <ATen/ops/stack.h>
#include <ATen/ops/where.h>

#include "kernels/reference/reference.h"

namespace phidias::kernels::reference {
namespace {

constexpr double kSteepness = 1.702;

// Gate and linear values as gegelu uses them, in float32 (float64 for float64 input), and where they are clamped.
struct Clamped {
  Clamped(const at::Tensor& gate_up, double limit) {
    const at::Tensor pairs = gate_up.to(gate_up.scalar_type() == at::kDouble ? at::kDouble : at::kFloat).unflatten(-1, {-1, 2});
    const at::Tensor g = pairs.select(-1, 0), l = pairs.select(-1, 1);
    gate_clamped = g.gt(limit).logical_and(g.isinf().logical_not());
    linear_clamped = l.abs().gt(limit).logical_and(l.isinf().logical_not());
    gate = at::where(gate_clamped, at::clamp(g, std::nullopt, limit), g);
    linear = at::where(linear_clamped, at::clamp(l, -limit, limit), l);
  }
  at::Tensor gate, linear, gate_clamped, linear_clamped;
};

}  // namespace

at::Tensor gegelu(const at::Tensor& gate_up, double limit) {
  const Clamped in(gate_up, limit);
  return (in.gate * at::sigmoid(in.gate * kSteepness) * (in.linear + 1)).to(gate_up.scalar_type());
}

at::Tensor gegelu_backward(const at::Tensor& dy, const at::Tensor& gate_up, double limit) {
  const Clamped in(gate_up, limit);
  const at::Tensor d = dy.to(in.gate.scalar_type()), s = at::sigmoid(in.gate * kSteepness), gelu = in.gate * s;
  const at::Tensor d_gate = (d * (in.linear + 1) * (s + gelu * kSteepness * (1 - s))).masked_fill(in.gate_clamped, 0);
  const at::Tensor d_linear = (d * gelu).masked_fill(in.linear_clamped, 0);
  return at::stack({d_gate, d_linear}, -1).flatten(-2).to(gate_up.scalar_type());
}

}  // namespace phidias::kernels::reference
