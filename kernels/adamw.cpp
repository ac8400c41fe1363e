#include "kernels/adamw.h"

#include <cmath>
#include <vector>

#include "kernels/cpu/dispatch.h"
#include "kernels/cuda_backend.h"
#include "kernels/reference/reference.h"

namespace phidias::kernels {
namespace {

bool is_state(const at::Tensor& t) { return t.scalar_type() == at::kFloat || t.scalar_type() == at::kBFloat16; }

}  // namespace

void adamw_(at::Tensor& master, const at::Tensor& gradient, at::Tensor& exp_avg, at::Tensor& exp_avg_sq, at::Tensor& compute, const AdamWStep& step) {
  if (on_cuda(master)) return require_cuda().adamw(master, gradient, exp_avg, exp_avg_sq, compute, step);
  if (!cpu::covers({master, gradient}) || !is_state(exp_avg) || !is_state(exp_avg_sq) || (compute.defined() && compute.scalar_type() != at::kBFloat16)) {
    reference::adamw_(master, gradient, exp_avg, exp_avg_sq, compute, step);
    return;
  }
  const double correction1 = 1 - std::pow(step.beta1, static_cast<double>(step.step)), correction2 = 1 - std::pow(step.beta2, static_cast<double>(step.step));
  const cpu::AdamWFactors factors{.decay = static_cast<float>(1 - step.learning_rate * step.weight_decay),
                                  .beta1 = static_cast<float>(step.beta1),
                                  .one_minus_beta1 = static_cast<float>(1 - step.beta1),
                                  .beta2 = static_cast<float>(step.beta2),
                                  .one_minus_beta2 = static_cast<float>(1 - step.beta2),
                                  .step_size = static_cast<float>(step.learning_rate / correction1),
                                  .inverse_sqrt_correction2 = static_cast<float>(1 / std::sqrt(correction2)),
                                  .eps = static_cast<float>(step.eps),
                                  .gradient_factor = static_cast<float>(step.gradient_factor)};
  cpu::kernels().adamw(master.mutable_data_ptr<float>(), gradient.const_data_ptr<float>(), exp_avg.mutable_data_ptr(), exp_avg_sq.mutable_data_ptr(),
                       exp_avg.scalar_type() == at::kBFloat16, exp_avg_sq.scalar_type() == at::kBFloat16,
                       compute.defined() ? compute.mutable_data_ptr() : nullptr, factors, master.numel(), cpu::team_size(master.numel()));
}

double sum_of_squares(const at::Tensor& flat) {
  if (flat.is_cuda() && flat.scalar_type() == at::kFloat) return require_cuda().sum_of_squares(flat);
  if (!cpu::covers({flat}) || flat.scalar_type() != at::kFloat) return reference::sum_of_squares(flat);
  std::vector<double> sums((flat.numel() + cpu::kSumBlock - 1) / cpu::kSumBlock);
  cpu::kernels().block_sums(flat.const_data_ptr<float>(), sums.data(), flat.numel(), cpu::team_size(flat.numel()));
  double total = 0;
  for (double sum : sums) total += sum;
  return total;
}

}  // namespace phidias::kernels
