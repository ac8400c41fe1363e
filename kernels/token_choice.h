// What generation asks of a few rows of logits [rows, vocab], float32, on any device; no gradients. Both give [rows].
#pragma once

#include <ATen/core/Tensor.h>

namespace phidias::kernels {

// The likeliest token of each row, int64; of equal ones the first. Without meaning for a row with NaN.
at::Tensor likeliest_tokens(const at::Tensor& logits);
// log softmax(logits) at `tokens` [rows] int64, float32.
at::Tensor log_probabilities(const at::Tensor& logits, const at::Tensor& tokens);

}  // namespace phidias::kernels
