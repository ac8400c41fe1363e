// AdamW over flat float32 memory in one pass: clip factor, decay, moments, update, and the bfloat16 copy where the model computes in it.
//
// Decoupled decay before the update with the step's rate (Loshchilov & Hutter, arXiv 1711.05101), bias correction as torch.optim.AdamW:
//   w -= lr * wd * w;  m = b1 m + (1-b1) g;  v = b2 v + (1-b2) g^2;  w -= lr / (1 - b1^t) * m / (sqrt(v / (1 - b2^t)) + eps)
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>

namespace phidias::kernels {

struct AdamWStep {
  double learning_rate, beta1, beta2, eps, weight_decay;
  std::int64_t step;             // t, from 1
  double gradient_factor = 1.0;  // clipping
};

// All [N] contiguous on one device: master, gradient float32; exp_avg, exp_avg_sq float32 or bfloat16; `compute` undefined or bfloat16.
void adamw_(at::Tensor& master, const at::Tensor& gradient, at::Tensor& exp_avg, at::Tensor& exp_avg_sq, at::Tensor& compute, const AdamWStep& step);

// Sum of squares in double, order fixed by position alone (deterministic for a given N whatever the thread count); [N] float32.
double sum_of_squares(const at::Tensor& flat);

}  // namespace phidias::kernels
