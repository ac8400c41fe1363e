#include "kernels/adamw.h"

#include "kernels/reference/reference.h"

namespace phidias::kernels {

void adamw_(at::Tensor& master, const at::Tensor& gradient, at::Tensor& exp_avg, at::Tensor& exp_avg_sq, at::Tensor& compute, const AdamWStep& step) {
  reference::adamw_(master, gradient, exp_avg, exp_avg_sq, compute, step);
}

double sum_of_squares(const at::Tensor& flat) { return reference::sum_of_squares(flat); }

}  // namespace phidias::kernels
