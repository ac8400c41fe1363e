#include "kernels/linear.h"

#include <ATen/ops/addmm.h>
#include <ATen/ops/mm.h>

#include "kernels/autograd.h"
#include "kernels/cuda_backend.h"
#include "kernels/skinny.h"

namespace phidias::kernels {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

at::Tensor product(const at::Tensor& x, const Parameter& weight, const Parameter* bias) {
  return bias != nullptr ? at::addmm(bias->value, x, weight.value.t()) : at::mm(x, weight.value.t());
}

struct Linear : torch::autograd::Function<Linear> {
  // The weights are arguments so that backward runs when only they require gradients.
  static at::Tensor forward(AutogradContext* ctx, const at::Tensor& x, const at::Tensor&, const at::Tensor&, Parameter* weight, Parameter* bias) {
    if (weight->trainable()) ctx->save_for_backward({x});
    save_parameter(ctx, "weight", weight);
    save_parameter(ctx, "bias", bias);
    return product(x, *weight, bias);
  }

  static variable_list backward(AutogradContext* ctx, const variable_list& gradients) {
    Parameter& weight = *saved_parameter(ctx, "weight");
    Parameter* bias = saved_parameter(ctx, "bias");
    const at::Tensor dy = gradients[0].contiguous();
    at::Tensor dx;
    if (ctx->needs_input_grad(0)) dx = at::mm(dy, weight.value);
    if (weight.trainable()) contribute_product(weight, dy, ctx->get_saved_variables()[0]);
    if (bias != nullptr && bias->trainable()) {
      if (on_cuda(dy)) {
        require_cuda().accumulate_bias_gradient(dy, bias->gradient, bias->beta());
        bias->contributed();
      } else {
        contribute(*bias, dy.sum(0, false, at::kFloat));
      }
    }
    return {dx, at::Tensor(), at::Tensor(), at::Tensor(), at::Tensor()};
  }
};

}  // namespace

void accumulate_product(Parameter& parameter, const at::Tensor& dy, const at::Tensor& x) {
  const at::NoGradGuard no_grad;
  if (on_cuda(x)) {
    require_cuda().accumulate_weight_gradient(dy, x, parameter.gradient, parameter.beta());
  } else if (x.scalar_type() != at::kFloat) {
    accumulate(parameter, at::mm(dy.t(), x));
  } else if (parameter.has_gradient) {
    parameter.gradient.addmm_(dy.t(), x);
  } else {
    at::mm_out(parameter.gradient, dy.t(), x);
  }
}

void contribute_product(Parameter& parameter, const at::Tensor& dy, const at::Tensor& x) {
  accumulate_product(parameter, dy, x);
  parameter.contributed();
}

at::Tensor linear(const at::Tensor& x, Parameter& weight, Parameter* bias) {
  if (!records_gradients()) {
    const at::Tensor bias_value = bias != nullptr ? bias->value : at::Tensor();
    return fits_skinny(x, weight.value, bias_value) ? skinny_product(x, weight.value, bias_value, x.scalar_type()) : product(x, weight, bias);
  }
  return Linear::apply(x, weight.value, bias != nullptr ? bias->value : weight.value, &weight, bias);
}

}  // namespace phidias::kernels
