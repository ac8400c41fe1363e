// Softmax of chunks of logits, the optimizer and the gradient norm.
#include <ATen/ops/empty.h>

#include <cmath>

#include "kernels/cuda/plugin.h"

namespace phidias::kernels::cuda {

void PluginBackend::softmax_rows(const at::Tensor& logits, const at::Tensor& targets, double logit_scale, const at::Tensor& factor,
                                 const at::Tensor& log_probability, const at::Tensor& log_sum_exp, const at::Tensor& entropy, const at::Tensor& gradient) {
  check_contiguous("softmax", {&logits, &targets, &gradient});
  check_float("softmax", {&factor, &log_probability, &log_sum_exp, &entropy});
  TORCH_CHECK(logits.dim() == 2 && targets.scalar_type() == at::kLong && targets.numel() == logits.size(0), "softmax: targets ", targets.sizes(), " of type ",
              targets.scalar_type(), " for logits ", logits.sizes());
  TORCH_CHECK(!gradient.defined() || (gradient.sizes() == logits.sizes() && factor.defined()), "softmax: a gradient needs logits' shape and a factor per row");
  const c10::cuda::CUDAGuard guard(logits.device());
  const SoftmaxRows arguments{.logits = pointer(logits),
                              .targets = pointer<std::int64_t>(targets),
                              .rows = logits.size(0),
                              .vocabulary = logits.size(1),
                              .logit_scale = static_cast<float>(logit_scale),
                              .factor = pointer<float>(factor),
                              .log_probability = pointer<float>(log_probability),
                              .log_sum_exp = pointer<float>(log_sum_exp),
                              .entropy = pointer<float>(entropy),
                              .gradient = pointer(gradient)};
  C10_CUDA_CHECK(cuda::softmax_rows(element_of(logits), gradient.defined() ? element_of(gradient) : element_of(logits), arguments, stream()));
}

void PluginBackend::adamw(at::Tensor& master, const at::Tensor& gradient, at::Tensor& exp_avg, at::Tensor& exp_avg_sq, at::Tensor& compute,
                          const AdamWStep& step) {
  check_float("adamw", {&master, &gradient});
  check_contiguous("adamw", {&exp_avg, &exp_avg_sq, &compute});
  TORCH_CHECK(exp_avg.scalar_type() == exp_avg_sq.scalar_type() && (!compute.defined() || compute.scalar_type() == at::kBFloat16),
              "adamw: moments of one type and a bfloat16 compute copy are expected");
  const c10::cuda::CUDAGuard guard(master.device());
  const double correction1 = 1.0 - std::pow(step.beta1, static_cast<double>(step.step)),
               correction2 = 1.0 - std::pow(step.beta2, static_cast<double>(step.step));
  const AdamWArguments arguments{.master = pointer<float>(master),
                                 .gradient = pointer<float>(gradient),
                                 .exp_avg = pointer(exp_avg),
                                 .exp_avg_sq = pointer(exp_avg_sq),
                                 .compute = pointer(compute),
                                 .count = master.numel(),
                                 .beta1 = static_cast<float>(step.beta1),
                                 .beta2 = static_cast<float>(step.beta2),
                                 .eps = static_cast<float>(step.eps),
                                 .decay_factor = static_cast<float>(1.0 - step.learning_rate * step.weight_decay),
                                 .step_size = static_cast<float>(step.learning_rate / correction1),
                                 .inverse_root_correction2 = static_cast<float>(1.0 / std::sqrt(correction2)),
                                 .gradient_factor = static_cast<float>(step.gradient_factor)};
  C10_CUDA_CHECK(cuda::adamw(element_of(exp_avg), arguments, stream()));
}

double PluginBackend::sum_of_squares(const at::Tensor& flat) {
  check_float("sum of squares", {&flat});
  const c10::cuda::CUDAGuard guard(flat.device());
  const at::Tensor sums = at::empty({kSumOfSquaresBlocks + 1}, flat.options().dtype(at::kDouble));
  double* partial = pointer<double>(sums);
  C10_CUDA_CHECK(cuda::sum_of_squares(pointer<float>(flat), flat.numel(), partial, partial + kSumOfSquaresBlocks, stream()));
  double result = 0.0;
  C10_CUDA_CHECK(cudaMemcpyAsync(&result, partial + kSumOfSquaresBlocks, sizeof result, cudaMemcpyDeviceToHost, stream()));
  C10_CUDA_CHECK(cudaStreamSynchronize(stream()));
  return result;
}

}  // namespace phidias::kernels::cuda
