#include "kernels/head_chunks_cuda.h"

#include <ATen/ops/empty.h>
#include <ATen/ops/mm.h>

#include <algorithm>

#include "kernels/cuda_backend.h"
#include "kernels/head_chunks.h"

namespace phidias::kernels {

std::int64_t cuda_chunk_rows(std::int64_t vocabulary) {
  constexpr std::int64_t kMostLogits = std::int64_t{1} << 27, kTile = 128;
  return std::clamp<std::int64_t>(kMostLogits / std::max<std::int64_t>(1, vocabulary) / kTile * kTile, kTile, 4096);
}

at::Tensor cuda_logits(const at::Tensor& x, const Head& head) {
  const at::Tensor weight = head.weight->value.t();
  at::Tensor logits = x.scalar_type() == at::kFloat ? at::mm(x, weight) : at::mm(x, weight, at::kFloat);
  if (head.bias != nullptr) logits.add_(head.bias->value);
  return logits;
}

at::Tensor cuda_head_chunk(const at::Tensor& x, const Head& head, const at::Tensor& targets, const at::Tensor& factor,
                           const TokenLogProbabilities& statistics) {
  at::Tensor logits = cuda_logits(x, head), gradient, log_probability = statistics.log_probability;
  mask_logits(head, logits);
  if (factor.defined()) gradient = x.scalar_type() == at::kFloat ? logits : at::empty(logits.sizes(), x.options());
  require_cuda().softmax_rows(logits, targets, head.logit_scale, factor, statistics.log_probability, statistics.log_sum_exp, statistics.entropy, gradient);
  settle_masked(head, gradient, log_probability);
  return gradient;
}

}  // namespace phidias::kernels
