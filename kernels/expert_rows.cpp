#include "kernels/expert_rows.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/index_select.h>

#include <algorithm>

#include "kernels/cpu/dispatch.h"
#include "kernels/cuda_backend.h"
#include "kernels/reference/reference.h"

namespace phidias::kernels {

void gather_rows(const at::Tensor& x, const at::Tensor& pairs, std::int64_t choices, const at::Tensor& out) {
  if (cpu::covers({x, out})) {
    cpu::kernels_for(x.scalar_type())
        .gather_rows(x.const_data_ptr(), pairs.const_data_ptr<std::int64_t>(), choices, out.mutable_data_ptr(), out.size(0), out.size(1),
                     cpu::team_size(out.numel()));
    return;
  }
  at::Tensor target = out;
  at::index_select_out(target, x, 0, choices == 1 ? pairs : pairs.div(choices, "floor"));
}

at::Tensor combine_rows(const at::Tensor& rows, const at::Tensor& places, const at::Tensor& weights) {
  const std::int64_t tokens = places.size(0), choices = places.size(1), width = rows.size(1);
  if (cpu::covers({rows})) {
    const at::Tensor y = at::empty({tokens, width}, rows.options());
    cpu::kernels_for(rows.scalar_type())
        .combine_rows(rows.const_data_ptr(), places.const_data_ptr<std::int64_t>(), choices, weights.defined() ? weights.const_data_ptr<float>() : nullptr,
                      y.mutable_data_ptr(), tokens, width, cpu::team_size(rows.numel()));
    return y;
  }
  const at::ScalarType wide = rows.scalar_type() == at::kDouble ? at::kDouble : at::kFloat;
  at::Tensor parts = rows.index_select(0, places.reshape(-1)).view({tokens, choices, width}).to(wide);
  if (weights.defined()) parts = parts * weights.unsqueeze(-1);
  return parts.sum(1).to(rows.scalar_type());
}

void swiglu_rows(const at::Tensor& gate_up, const at::Tensor& y) {
  if (cpu::covers({gate_up, y})) {
    cpu::kernels_for(gate_up.scalar_type()).swiglu(gate_up.const_data_ptr(), y.mutable_data_ptr(), y.size(0), y.size(1), cpu::team_size(gate_up.numel()));
  } else if (on_cuda(gate_up)) {
    at::Tensor target = y;
    require_cuda().swiglu_forward(gate_up, target);
  } else {
    y.copy_(reference::swiglu(gate_up));
  }
}

void weighted_swiglu_backward(const at::Tensor& d, const at::Tensor& gate_up, const at::Tensor& weights, const at::Tensor& d_gate_up,
                              const at::Tensor& d_weights) {
  if (cpu::covers({d, gate_up, d_gate_up})) {
    cpu::kernels_for(d.scalar_type())
        .weighted_swiglu_backward(d.mutable_data_ptr(), gate_up.const_data_ptr(), weights.const_data_ptr<float>(), d_gate_up.mutable_data_ptr(),
                                  d_weights.mutable_data_ptr<float>(), d.size(0), d.size(1), cpu::team_size(gate_up.numel()));
    return;
  }
  // General operations keep ten float32 temporaries of what they are given: a part of the rows at a time.
  constexpr std::int64_t kRowsTogether = 2048;
  if (d.size(0) > kRowsTogether) {
    for (std::int64_t first = 0; first < d.size(0); first += kRowsTogether) {
      const auto part = [first, count = std::min(kRowsTogether, d.size(0) - first)](const at::Tensor& rows) { return rows.narrow(0, first, count); };
      weighted_swiglu_backward(part(d), part(gate_up), part(weights), part(d_gate_up), part(d_weights));
    }
    return;
  }
  const at::ScalarType wide = d.scalar_type() == at::kDouble ? at::kDouble : at::kFloat;
  const at::Tensor h = reference::swiglu(gate_up).to(wide), d_wide = d.to(wide), weight = weights.to(wide).unsqueeze(-1);
  d_weights.copy_((d_wide * h).sum(-1));
  d_gate_up.copy_(reference::swiglu_backward(d_wide * weight, gate_up));
  d.copy_(h * weight);
}

}  // namespace phidias::kernels
