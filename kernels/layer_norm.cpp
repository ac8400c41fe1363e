#include "kernels/layer_norm.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/empty_like.h>
#include <ATen/ops/zeros_like.h>

#include "kernels/autograd.h"
#include "kernels/cpu/dispatch.h"
#include "kernels/cuda_backend.h"
#include "kernels/reference/experts.h"

namespace phidias::kernels {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

struct Normalised {
  at::Tensor sum, y, statistics;  // sum: what was normalised; statistics [T, 2]: mean, 1 / deviation
};

// `update` may be undefined.
Normalised normalise(const at::Tensor& x_in, const at::Tensor& update_in, const at::Tensor& weight, const at::Tensor& bias, double eps) {
  const at::Tensor x = x_in.contiguous(), update = update_in.defined() ? update_in.contiguous() : x;
  const bool cuda = on_cuda(x);
  if (!cuda && !cpu::covers({x, update, weight, bias})) {
    const at::Tensor sum = update_in.defined() ? x + update : x;
    auto [y, statistics] = reference::layer_norm(sum, weight, bias, eps);
    return {sum, y, statistics};
  }
  Normalised result{update_in.defined() ? at::empty_like(x) : x, at::empty_like(x), at::empty({x.size(0), 2}, x.options().dtype(at::kFloat))};
  if (cuda) {
    require_cuda().layer_norm_forward(x, update_in.defined() ? update : at::Tensor(), weight, bias, eps, result.sum, result.y, result.statistics);
    return result;
  }
  cpu::kernels_for(x.scalar_type())
      .layer_norm(x.const_data_ptr(), update_in.defined() ? update.const_data_ptr() : nullptr, weight.const_data_ptr(), bias.const_data_ptr(),
                  update_in.defined() ? result.sum.mutable_data_ptr() : nullptr, result.y.mutable_data_ptr(), result.statistics.mutable_data_ptr<float>(),
                  x.size(0), x.size(1), static_cast<float>(eps), cpu::team_size(x.numel()));
  return result;
}

float* gradient_of(const Parameter& parameter) { return parameter.trainable() ? parameter.gradient.mutable_data_ptr<float>() : nullptr; }

// Gradient of what was normalised; `d_sum`, the gradient that reaches the sum directly, may be undefined.
at::Tensor normalise_backward(const at::Tensor& dy_in, const at::Tensor& d_sum_in, const at::Tensor& sum, const at::Tensor& statistics, Parameter& weight,
                              Parameter& bias) {
  const at::Tensor dy = dy_in.contiguous(), d_sum = d_sum_in.defined() ? d_sum_in.contiguous() : dy;
  const bool cuda = on_cuda(sum);
  if (!cuda && !cpu::covers({dy, d_sum, sum, weight.value})) {
    auto [dx, d_weight, d_bias] = reference::layer_norm_backward(dy, sum, weight.value, statistics);
    if (weight.trainable()) contribute(weight, d_weight);
    if (bias.trainable()) contribute(bias, d_bias);
    return d_sum_in.defined() ? d_sum + dx : dx;
  }
  at::Tensor dx = at::empty_like(sum);
  if (cuda) {
    require_cuda().layer_norm_backward(dy, d_sum_in.defined() ? d_sum : at::Tensor(), sum, weight.value, statistics, dx, weight.gradient, weight.beta(),
                                       bias.gradient, bias.beta());
  } else {
    const std::int64_t rows = sum.size(0), width = sum.size(1);
    const at::Tensor partial = at::empty({(rows + cpu::kNormBlock - 1) / cpu::kNormBlock, 2, width}, sum.options().dtype(at::kFloat));
    cpu::kernels_for(sum.scalar_type())
        .layer_norm_backward(dy.const_data_ptr(), d_sum_in.defined() ? d_sum.const_data_ptr() : nullptr, sum.const_data_ptr(), weight.value.const_data_ptr(),
                             statistics.const_data_ptr<float>(), dx.mutable_data_ptr(), gradient_of(weight), static_cast<float>(weight.beta()),
                             gradient_of(bias), static_cast<float>(bias.beta()), partial.mutable_data_ptr<float>(), rows, width, cpu::team_size(sum.numel()));
  }
  if (weight.trainable()) weight.contributed();
  if (bias.trainable()) bias.contributed();
  return dx;
}

struct LayerNorm : torch::autograd::Function<LayerNorm> {
  static at::Tensor forward(AutogradContext* ctx, const at::Tensor& x, const at::Tensor&, const at::Tensor&, Parameter* weight, Parameter* bias, double eps) {
    const Normalised result = normalise(x, at::Tensor(), weight->value, bias->value, eps);
    ctx->save_for_backward({x, result.statistics});
    save_parameter(ctx, "weight", weight);
    save_parameter(ctx, "bias", bias);
    return result.y;
  }

  static variable_list backward(AutogradContext* ctx, const variable_list& gradients) {
    const variable_list saved = ctx->get_saved_variables();
    const at::Tensor dx =
        normalise_backward(gradients[0], at::Tensor(), saved[0].contiguous(), saved[1], *saved_parameter(ctx, "weight"), *saved_parameter(ctx, "bias"));
    return {dx, at::Tensor(), at::Tensor(), at::Tensor(), at::Tensor(), at::Tensor()};
  }
};

struct AddLayerNorm : torch::autograd::Function<AddLayerNorm> {
  static variable_list forward(AutogradContext* ctx, const at::Tensor& x, const at::Tensor& update, const at::Tensor&, const at::Tensor&, Parameter* weight,
                               Parameter* bias, double eps) {
    const Normalised result = normalise(x, update, weight->value, bias->value, eps);
    ctx->set_materialize_grads(false);  // after the last block nobody uses the sum: no zeros are made and added
    ctx->save_for_backward({result.sum, result.statistics});
    save_parameter(ctx, "weight", weight);
    save_parameter(ctx, "bias", bias);
    return {result.sum, result.y};
  }

  static variable_list backward(AutogradContext* ctx, const variable_list& gradients) {
    const variable_list saved = ctx->get_saved_variables();
    const at::Tensor dy = gradients[1].defined() ? gradients[1] : at::zeros_like(saved[0]);
    const at::Tensor total = normalise_backward(dy, gradients[0], saved[0], saved[1], *saved_parameter(ctx, "weight"), *saved_parameter(ctx, "bias"));
    return {total, total, at::Tensor(), at::Tensor(), at::Tensor(), at::Tensor(), at::Tensor()};
  }
};

}  // namespace

at::Tensor layer_norm(const at::Tensor& x, Parameter& weight, Parameter& bias, double eps) {
  if (!records_gradients()) return normalise(x, at::Tensor(), weight.value, bias.value, eps).y;
  return LayerNorm::apply(x, weight.value, bias.value, &weight, &bias, eps);
}

std::pair<at::Tensor, at::Tensor> add_layer_norm(const at::Tensor& x, const at::Tensor& update, Parameter& weight, Parameter& bias, double eps) {
  if (!records_gradients()) {
    const Normalised result = normalise(x, update, weight.value, bias.value, eps);
    return {result.sum, result.y};
  }
  const variable_list outputs = AddLayerNorm::apply(x, update, weight.value, bias.value, &weight, &bias, eps);
  return {outputs[0], outputs[1]};
}

}  // namespace phidias::kernels
