// The GPU's part of head_chunks.cpp: logits of a chunk in float32 also for bfloat16 models, and their softmax in one kernel. Internal.
#pragma once

#include <ATen/core/Tensor.h>

#include "kernels/linear_cross_entropy.h"

namespace phidias::kernels {

// Rows per chunk: enough to fill the device and to make the pass over d weight rare, at most 512 MiB of float32 logits.
std::int64_t cuda_chunk_rows(std::int64_t vocabulary);
// x W^T + b in float32, not scaled.
at::Tensor cuda_logits(const at::Tensor& x, const Head& head);
// Fills `statistics` (where defined, [R] each); with `factor` [R] returns d logits of sum(factor * log_probability) in x's type.
at::Tensor cuda_head_chunk(const at::Tensor& x, const Head& head, const at::Tensor& targets, const at::Tensor& factor, const TokenLogProbabilities& statistics);

}  // namespace phidias::kernels
