#include <ATen/TensorOperators.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/sigmoid.h>
#include <ATen/ops/silu.h>

#include "kernels/reference/reference.h"

namespace phidias::kernels::reference {
namespace {

at::ScalarType statistics_type(const at::Tensor& x) { return x.scalar_type() == at::kDouble ? at::kDouble : at::kFloat; }

}  // namespace

std::pair<at::Tensor, at::Tensor> rms_norm(const at::Tensor& x, const at::Tensor& weight, double eps) {
  const at::Tensor wide = x.to(statistics_type(x));
  const at::Tensor rstd = (wide.square().mean(-1, true) + eps).rsqrt();
  return {(wide * rstd).to(x.scalar_type()) * weight, rstd};
}

std::pair<at::Tensor, at::Tensor> rms_norm_backward(const at::Tensor& dy, const at::Tensor& x, const at::Tensor& weight, const at::Tensor& rstd) {
  const at::ScalarType type = statistics_type(x);
  const at::Tensor normalised = x.to(type) * rstd, dy_wide = dy.to(type);
  const at::Tensor d_normalised = dy_wide * weight.to(type);
  const at::Tensor dx = rstd * (d_normalised - normalised * (d_normalised * normalised).mean(-1, true));
  return {dx.to(x.scalar_type()), (dy_wide * normalised).sum(0)};
}

at::Tensor swiglu(const at::Tensor& gate_up) {
  const std::int64_t width = gate_up.size(-1) / 2;
  return at::silu(gate_up.narrow(-1, 0, width)) * gate_up.narrow(-1, width, width);
}

at::Tensor swiglu_backward(const at::Tensor& dy, const at::Tensor& gate_up) {
  const at::ScalarType type = statistics_type(gate_up);
  const std::int64_t width = gate_up.size(-1) / 2;
  const at::Tensor gate = gate_up.narrow(-1, 0, width).to(type), up = gate_up.narrow(-1, width, width).to(type), dy_wide = dy.to(type);
  const at::Tensor sigmoid = at::sigmoid(gate);
  const at::Tensor d_gate = dy_wide * up * sigmoid * (1 + gate * (1 - sigmoid));
  return at::cat({d_gate, dy_wide * gate * sigmoid}, -1).to(gate_up.scalar_type());
}

}  // namespace phidias::kernels::reference
