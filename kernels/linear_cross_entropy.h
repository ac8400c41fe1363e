// The output head and its cross-entropy without ever holding the logits of more than a chunk of rows.
//
// hidden [T, hidden], weight [vocab, hidden], targets [T] int64 (-100: ignored, skipped before the product). Losses are natural-log, float32.
//
//   next_token_loss:  sum over targets of -log p(target), and on the way the gradients of (sum * gradient_scale): d hidden is kept for
//                     backward, d weight goes to the parameter's flat buffer. One pass; used by training, where the scale (1 / global
//                     target count) is known beforehand. The returned scalar is the unscaled sum; backward expects to be called once on it and
//                     ignores the incoming gradient's value.
//   token_log_probabilities:  per row {log p(target), log-sum-exp, entropy}, differentiable in the first (a gradient per row; logits are
//                     recomputed per chunk in backward). Rows with target -100 give 0 and no gradient.
//   last_logits:      whole logits for a few rows (generation), float32.
//
// Masked ids are outside everything: the softmax, the entropy, the gradients of hidden and weight. As a target such an id has the log-probability of
// the float32 minimum, as Phi-3-small's own code gives it.
#pragma once

#include <ATen/core/Tensor.h>

#include "kernels/parameter.h"

namespace phidias::kernels {

struct Head {
  Parameter* weight = nullptr;
  Parameter* bias = nullptr;  // PhiMoE
  double logit_scale = 1.0;   // Phi-3-small: 1/8
  at::Tensor masked_ids;      // [M] int64 on the device, or undefined: their logits are the float32 minimum (Phi-3-small's dummy tokens)
};

struct TokenLogProbabilities {
  at::Tensor log_probability, log_sum_exp, entropy;  // [T] float32
};

at::Tensor next_token_loss(const at::Tensor& hidden, const Head& head, const at::Tensor& targets, double gradient_scale);
TokenLogProbabilities token_log_probabilities(const at::Tensor& hidden, const Head& head, const at::Tensor& targets);
at::Tensor last_logits(const at::Tensor& hidden, const Head& head);

}  // namespace phidias::kernels
