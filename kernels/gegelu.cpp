#include "kernels/gegelu.h"

#include <ATen/ops/empty.h>
#include <ATen/ops/empty_like.h>

#include "kernels/autograd.h"
#include "kernels/cpu/dispatch.h"
#include "kernels/cuda_backend.h"
#include "kernels/reference/reference.h"

namespace phidias::kernels {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

at::Tensor forward_rows(const at::Tensor& gate_up, double limit) {
  if (on_cuda(gate_up)) {
    const at::Tensor dense = gate_up.contiguous();
    at::Tensor y = at::empty({dense.size(0), dense.size(1) / 2}, dense.options());
    require_cuda().gegelu_forward(dense, limit, y);
    return y;
  }
  if (!cpu::covers({gate_up})) return reference::gegelu(gate_up, limit);
  const std::int64_t rows = gate_up.size(0), width = gate_up.size(1) / 2;
  const at::Tensor y = at::empty({rows, width}, gate_up.options());
  cpu::kernels_for(gate_up.scalar_type())
      .gegelu(gate_up.const_data_ptr(), y.mutable_data_ptr(), static_cast<float>(limit), rows, width, cpu::team_size(gate_up.numel()));
  return y;
}

at::Tensor backward_rows(const at::Tensor& dy, const at::Tensor& gate_up, double limit) {
  if (on_cuda(gate_up)) {
    at::Tensor d_gate_up = at::empty(gate_up.sizes(), gate_up.options());
    require_cuda().gegelu_backward(dy, gate_up.contiguous(), limit, d_gate_up);
    return d_gate_up;
  }
  if (!cpu::covers({dy, gate_up})) return reference::gegelu_backward(dy, gate_up, limit);
  const at::Tensor d_gate_up = at::empty_like(gate_up);
  cpu::kernels_for(gate_up.scalar_type())
      .gegelu_backward(dy.const_data_ptr(), gate_up.const_data_ptr(), d_gate_up.mutable_data_ptr(), static_cast<float>(limit), dy.size(0), dy.size(1),
                       cpu::team_size(gate_up.numel()));
  return d_gate_up;
}

struct Gegelu : torch::autograd::Function<Gegelu> {
  static at::Tensor forward(AutogradContext* ctx, const at::Tensor& gate_up, double limit) {
    ctx->save_for_backward({gate_up});
    ctx->saved_data["limit"] = limit;
    return forward_rows(gate_up, limit);
  }
  static variable_list backward(AutogradContext* ctx, const variable_list& gradients) {
    return {backward_rows(gradients[0].contiguous(), ctx->get_saved_variables()[0], ctx->saved_data["limit"].toDouble()), at::Tensor()};
  }
};

}  // namespace

at::Tensor gegelu(const at::Tensor& gate_up, double limit) { return records_gradients() ? Gegelu::apply(gate_up, limit) : forward_rows(gate_up, limit); }

}  // namespace phidias::kernels
