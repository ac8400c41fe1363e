#include "kernels/rms_norm.h"

#include <ATen/TensorOperators.h>

#include "kernels/autograd.h"
#include "kernels/reference/reference.h"

namespace phidias::kernels {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

struct RmsNorm : torch::autograd::Function<RmsNorm> {
  static at::Tensor forward(AutogradContext* ctx, const at::Tensor& x, const at::Tensor&, Parameter* weight, double eps) {
    auto [y, rstd] = reference::rms_norm(x, weight->value, eps);
    ctx->save_for_backward({x, rstd});
    save_parameter(ctx, "weight", weight);
    return y;
  }

  static variable_list backward(AutogradContext* ctx, const variable_list& gradients) {
    Parameter& weight = *saved_parameter(ctx, "weight");
    const variable_list saved = ctx->get_saved_variables();
    auto [dx, d_weight] = reference::rms_norm_backward(gradients[0].contiguous(), saved[0], weight.value, saved[1]);
    if (weight.trainable()) contribute(weight, d_weight);
    return {dx, at::Tensor(), at::Tensor(), at::Tensor()};
  }
};

struct AddRmsNorm : torch::autograd::Function<AddRmsNorm> {
  static variable_list forward(AutogradContext* ctx, const at::Tensor& x, const at::Tensor& update, const at::Tensor&, Parameter* weight, double eps) {
    const at::Tensor sum = x + update;
    auto [y, rstd] = reference::rms_norm(sum, weight->value, eps);
    ctx->save_for_backward({sum, rstd});
    save_parameter(ctx, "weight", weight);
    return {sum, y};
  }

  static variable_list backward(AutogradContext* ctx, const variable_list& gradients) {
    Parameter& weight = *saved_parameter(ctx, "weight");
    const variable_list saved = ctx->get_saved_variables();
    auto [dx, d_weight] = reference::rms_norm_backward(gradients[1].contiguous(), saved[0], weight.value, saved[1]);
    if (weight.trainable()) contribute(weight, d_weight);
    const at::Tensor total = gradients[0] + dx;
    return {total, total, at::Tensor(), at::Tensor(), at::Tensor()};
  }
};

}  // namespace

at::Tensor rms_norm(const at::Tensor& x, Parameter& weight, double eps) {
  if (!records_gradients()) return reference::rms_norm(x, weight.value, eps).first;
  return RmsNorm::apply(x, weight.value, &weight, eps);
}

std::pair<at::Tensor, at::Tensor> add_rms_norm(const at::Tensor& x, const at::Tensor& update, Parameter& weight, double eps) {
  if (!records_gradients()) {
    const at::Tensor sum = x + update;
    return {sum, reference::rms_norm(sum, weight.value, eps).first};
  }
  const variable_list outputs = AddRmsNorm::apply(x, update, weight.value, &weight, eps);
  return {outputs[0], outputs[1]};
}

}  // namespace phidias::kernels
