// The output head applied to the rows that have a target, a chunk of rows at a time through one reused buffer of logits. Internal to
// linear_cross_entropy.cpp.
#pragma once

#include <ATen/core/Tensor.h>

#include "kernels/linear_cross_entropy.h"

namespace phidias::kernels {

class HeadChunks {
 public:
  // Throws DataError for a target outside the vocabulary (CPU).
  HeadChunks(const at::Tensor& hidden, const Head& head, const at::Tensor& targets);

  // Fills the rows of `result` ([T] each, zero before; undefined ones are left out) for every row with a target. With `factor` [T] float32
  // also takes the gradient of sum(factor * log_probability): d hidden is returned ([T, hidden]; zero where there is no target), the
  // parameters' gradients are written and reported. One pass.
  at::Tensor run(TokenLogProbabilities& result, const at::Tensor& factor);

 private:
  at::Tensor select(const at::Tensor& rows, std::int64_t begin, std::int64_t count) const;
  void put(const at::Tensor& target, const at::Tensor& values, std::int64_t begin) const;
  at::Tensor chunk(const at::Tensor& x, const at::Tensor& y, const at::Tensor& factor, TokenLogProbabilities& statistics);
  void contribute_chunk(const at::Tensor& d_logits, const at::Tensor& x);

  at::Tensor hidden_, targets_;
  Head head_;
  at::Tensor rows_;        // indices of the rows with a target
  bool all_rows_ = false;  // every row has one: views instead of copies
  bool fast_ = false;      // cpu/ covers the types
  std::int64_t chunk_rows_ = 0;
  at::Tensor logits_;  // [chunk, vocab], reused
};

// Before a softmax kernel: logits of the head's masked ids become -infinity, whatever bias and scale follow. After it: their gradient is 0, and a
// log-probability of a masked target is the float32 minimum, as the reference has it. Nothing without masked ids.
void mask_logits(const Head& head, at::Tensor& logits);
void settle_masked(const Head& head, at::Tensor& d_logits, at::Tensor& log_probability);

// logits = (hidden W^T + b) * scale, in float32, masked ids at the float32 minimum; for any number of rows. No gradient.
at::Tensor whole_logits(const at::Tensor& hidden, const Head& head);

}  // namespace phidias::kernels
