#include <ATen/TensorOperators.h>
#include <ATen/ops/exp.h>
#include <ATen/ops/log_softmax.h>
#include <ATen/ops/logsumexp.h>
#include <ATen/ops/softmax.h>

#include <cmath>

#include "kernels/reference/reference.h"

namespace phidias::kernels::reference {

RowStatistics row_statistics(const at::Tensor& logits, const at::Tensor& targets) {
  const at::Tensor log_sum_exp = at::logsumexp(logits, {1});
  const at::Tensor log_probability = logits.gather(1, targets.unsqueeze(1)).squeeze(1) - log_sum_exp;
  const at::Tensor log_p = at::log_softmax(logits, 1);
  return {log_probability, log_sum_exp, -(log_p.exp() * log_p).sum(1)};
}

at::Tensor row_gradient(const at::Tensor& logits, const at::Tensor& targets, const at::Tensor& factor) {
  const at::Tensor column = factor.to(logits.scalar_type()).unsqueeze(1);
  return (at::softmax(logits, 1) * -column).scatter_add_(1, targets.unsqueeze(1), column);
}

void adamw_(at::Tensor& master, const at::Tensor& gradient, at::Tensor& exp_avg, at::Tensor& exp_avg_sq, at::Tensor& compute, const AdamWStep& step) {
  const at::Tensor g = gradient * step.gradient_factor;
  const at::Tensor m = exp_avg.to(at::kFloat) * step.beta1 + g * (1 - step.beta1);
  const at::Tensor v = exp_avg_sq.to(at::kFloat) * step.beta2 + g.square() * (1 - step.beta2);
  const double correction1 = 1 - std::pow(step.beta1, static_cast<double>(step.step)), correction2 = 1 - std::pow(step.beta2, static_cast<double>(step.step));
  master.mul_(1 - step.learning_rate * step.weight_decay);
  master.sub_(m / ((v / correction2).sqrt() + step.eps) * (step.learning_rate / correction1));
  exp_avg.copy_(m);
  exp_avg_sq.copy_(v);
  if (compute.defined()) compute.copy_(master);
}

double sum_of_squares(const at::Tensor& flat) { return flat.to(at::kDouble).square().sum().item<double>(); }

}  // namespace phidias::kernels::reference
