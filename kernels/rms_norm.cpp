#include "kernels/rms_norm.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/empty_like.h>
#include <ATen/ops/zeros_like.h>

#include "kernels/autograd.h"
#include "kernels/cpu/dispatch.h"
#include "kernels/cuda_backend.h"
#include "kernels/reference/reference.h"

namespace phidias::kernels {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

struct Normalised {
  at::Tensor sum, y, rstd;  // sum: what was normalised
};

// `update` may be undefined.
Normalised normalise(const at::Tensor& x_in, const at::Tensor& update_in, const at::Tensor& weight, double eps) {
  const at::Tensor x = x_in.contiguous(), update = update_in.defined() ? update_in.contiguous() : x;
  if (on_cuda(x)) {
    Normalised result{update_in.defined() ? at::empty_like(x) : x, at::empty_like(x), at::empty({x.size(0)}, x.options().dtype(at::kFloat))};
    require_cuda().rms_norm_forward(x, update_in.defined() ? update : at::Tensor(), weight, eps, result.sum, result.y, result.rstd);
    return result;
  }
  if (!cpu::covers({x, update, weight})) {
    const at::Tensor sum = update_in.defined() ? x + update : x;
    auto [y, rstd] = reference::rms_norm(sum, weight, eps);
    return {sum, y, rstd};
  }
  const std::int64_t rows = x.size(0), width = x.size(1);
  Normalised result{update_in.defined() ? at::empty_like(x) : x, at::empty_like(x), at::empty({rows}, x.options().dtype(at::kFloat))};
  cpu::kernels_for(x.scalar_type())
      .rms_norm(x.const_data_ptr(), update_in.defined() ? update.const_data_ptr() : nullptr, weight.const_data_ptr(),
                update_in.defined() ? result.sum.mutable_data_ptr() : nullptr, result.y.mutable_data_ptr(), result.rstd.mutable_data_ptr<float>(), rows, width,
                static_cast<float>(eps), cpu::team_size(x.numel()));
  return result;
}

// Gradient of what was normalised; `d_sum`, the gradient that reaches the sum directly, may be undefined.
at::Tensor normalise_backward(const at::Tensor& dy_in, const at::Tensor& d_sum_in, const at::Tensor& sum, const at::Tensor& rstd, Parameter& weight) {
  const at::Tensor dy = dy_in.contiguous(), d_sum = d_sum_in.defined() ? d_sum_in.contiguous() : dy;
  if (on_cuda(sum)) {
    at::Tensor dx = at::empty_like(sum);
    require_cuda().rms_norm_backward(dy, d_sum_in.defined() ? d_sum : at::Tensor(), sum, weight.value, rstd, dx, weight.gradient, weight.beta());
    if (weight.trainable()) weight.contributed();
    return dx;
  }
  if (!cpu::covers({dy, d_sum, sum, weight.value})) {
    auto [dx, d_weight] = reference::rms_norm_backward(dy, sum, weight.value, rstd);
    if (weight.trainable()) contribute(weight, d_weight);
    return d_sum_in.defined() ? d_sum + dx : dx;
  }
  const std::int64_t rows = sum.size(0), width = sum.size(1);
  const at::Tensor dx = at::empty_like(sum);
  const at::Tensor partial = at::empty({(rows + cpu::kNormBlock - 1) / cpu::kNormBlock, width}, sum.options().dtype(at::kFloat));
  cpu::kernels_for(sum.scalar_type())
      .rms_norm_backward(dy.const_data_ptr(), d_sum_in.defined() ? d_sum.const_data_ptr() : nullptr, sum.const_data_ptr(), weight.value.const_data_ptr(),
                         rstd.const_data_ptr<float>(), dx.mutable_data_ptr(), weight.trainable() ? weight.gradient.mutable_data_ptr<float>() : nullptr,
                         static_cast<float>(weight.beta()), partial.mutable_data_ptr<float>(), rows, width, cpu::team_size(sum.numel()));
  if (weight.trainable()) weight.contributed();
  return dx;
}

struct RmsNorm : torch::autograd::Function<RmsNorm> {
  static at::Tensor forward(AutogradContext* ctx, const at::Tensor& x, const at::Tensor&, Parameter* weight, double eps) {
    const Normalised result = normalise(x, at::Tensor(), weight->value, eps);
    ctx->save_for_backward({x, result.rstd});
    save_parameter(ctx, "weight", weight);
    return result.y;
  }

  static variable_list backward(AutogradContext* ctx, const variable_list& gradients) {
    const variable_list saved = ctx->get_saved_variables();
    const at::Tensor dx = normalise_backward(gradients[0], at::Tensor(), saved[0].contiguous(), saved[1], *saved_parameter(ctx, "weight"));
    return {dx, at::Tensor(), at::Tensor(), at::Tensor()};
  }
};

struct AddRmsNorm : torch::autograd::Function<AddRmsNorm> {
  static variable_list forward(AutogradContext* ctx, const at::Tensor& x, const at::Tensor& update, const at::Tensor&, Parameter* weight, double eps) {
    const Normalised result = normalise(x, update, weight->value, eps);
    ctx->set_materialize_grads(false);  // after the last block nobody uses the sum: no zeros are made and added
    ctx->save_for_backward({result.sum, result.rstd});
    save_parameter(ctx, "weight", weight);
    return {result.sum, result.y};
  }

  static variable_list backward(AutogradContext* ctx, const variable_list& gradients) {
    const variable_list saved = ctx->get_saved_variables();
    const at::Tensor dy = gradients[1].defined() ? gradients[1] : at::zeros_like(saved[0]);
    const at::Tensor total = normalise_backward(dy, gradients[0], saved[0], saved[1], *saved_parameter(ctx, "weight"));
    return {total, total, at::Tensor(), at::Tensor(), at::Tensor()};
  }
};

}  // namespace

at::Tensor rms_norm(const at::Tensor& x, Parameter& weight, double eps) {
  if (!records_gradients()) return normalise(x, at::Tensor(), weight.value, eps).y;
  return RmsNorm::apply(x, weight.value, &weight, eps);
}

std::pair<at::Tensor, at::Tensor> add_rms_norm(const at::Tensor& x, const at::Tensor& update, Parameter& weight, double eps) {
  if (!records_gradients()) {
    const Normalised result = normalise(x, update, weight.value, eps);
    return {result.sum, result.y};
  }
  const variable_list outputs = AddRmsNorm::apply(x, update, weight.value, &weight, eps);
  return {outputs[0], outputs[1]};
}

}  // namespace phidias::kernels
