// The slow twins: every operation of kernels/ written plainly with ATen, on any device, in any floating-point type.
//
// They define what the fast paths must compute (tests compare both) and serve the devices and types a fast path does not cover.
// Functions named *_backward are formulas; the others are differentiable by autograd where their inputs require gradients.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <utility>
#include <vector>

#include "kernels/adamw.h"
#include "kernels/attention.h"
#include "kernels/packed_batch.h"

namespace phidias::kernels::reference {

// {normalised and weighted x, 1 / rms [T, 1]}; statistics in float32 (float64 for float64 input).
std::pair<at::Tensor, at::Tensor> rms_norm(const at::Tensor& x, const at::Tensor& weight, double eps);
// {dx in x's type, dweight in the statistics' type}.
std::pair<at::Tensor, at::Tensor> rms_norm_backward(const at::Tensor& dy, const at::Tensor& x, const at::Tensor& weight, const at::Tensor& rstd);

at::Tensor swiglu(const at::Tensor& gate_up);
at::Tensor swiglu_backward(const at::Tensor& dy, const at::Tensor& gate_up);

at::Tensor gegelu(const at::Tensor& gate_up, double limit);
at::Tensor gegelu_backward(const at::Tensor& dy, const at::Tensor& gate_up, double limit);

// x [T, heads, head_dim], cos and sin [T, rotary_dim / 2].
at::Tensor rotate_half(const at::Tensor& x, const at::Tensor& cos, const at::Tensor& sin);
// Explicit masked softmax per document; `documents` are [begin, end) pairs, flattened.
at::Tensor packed_attention(const at::Tensor& qkv, const at::Tensor& cos, const at::Tensor& sin, const std::vector<std::int64_t>& documents,
                            const AttentionShape& shape);
void store_keys_values(const at::Tensor& qkv, const at::Tensor& cos, const at::Tensor& sin, const std::vector<std::int64_t>& documents,
                       const at::Tensor& positions, const std::vector<std::int64_t>& sequences, const AttentionShape& shape, KeyValueCache& cache);
at::Tensor decode_attention(const at::Tensor& qkv, const at::Tensor& cos, const at::Tensor& sin, const std::vector<std::int64_t>& sequences,
                            const std::vector<std::int64_t>& lengths, const AttentionShape& shape, KeyValueCache& cache);

// Rows of logits [R, V] -> {log p(target), log-sum-exp, entropy}, each [R], computed in the logits' type.
struct RowStatistics {
  at::Tensor log_probability, log_sum_exp, entropy;
};
RowStatistics row_statistics(const at::Tensor& logits, const at::Tensor& targets);
// d(sum of factor[r] * log p(target[r])) / d logits.
at::Tensor row_gradient(const at::Tensor& logits, const at::Tensor& targets, const at::Tensor& factor);

void adamw_(at::Tensor& master, const at::Tensor& gradient, at::Tensor& exp_avg, at::Tensor& exp_avg_sq, at::Tensor& compute, const AdamWStep& step);
double sum_of_squares(const at::Tensor& flat);

}  // namespace phidias::kernels::reference
