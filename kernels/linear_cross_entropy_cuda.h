// linear_cross_entropy.h on CUDA tensors: chunks of rows through cuBLAS (logits in float32) and the fused cross-entropy kernels.
// Called by the dispatch in linear_cross_entropy.cpp; contracts as there.
#pragma once

#include "kernels/linear_cross_entropy.h"

namespace phidias::kernels {

at::Tensor next_token_loss_cuda(const at::Tensor& hidden, const Head& head, const at::Tensor& targets, double gradient_scale);
TokenLogProbabilities token_log_probabilities_cuda(const at::Tensor& hidden, const Head& head, const at::Tensor& targets);
at::Tensor last_logits_cuda(const at::Tensor& hidden, const Head& head);

}  // namespace phidias::kernels
