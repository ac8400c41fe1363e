// Rotary position embedding with LongRoPE factors chosen per document.
//
// inv_freq_i = 1 / (factor_i * theta^(2i/d)), i < d/2, d = head_dim * partial_rotary_factor; the angle is position * inv_freq_i and both cos and
// sin carry the attention factor, with the short list as well as with the long one. Everything is built in float32, operation by operation
// as transformers does it (modeling_rope_utils, 4.57.3): at position 100,000 another rounding of inv_freq would turn the angle by 0.01.
// LongRoPE: arXiv 2402.13753.
//
//   RotaryTable table(config);
//   RotaryRows rows = table.rows(batch.positions, batch.use_long, batch.longest_document);   // cos, sin [T, d / 2] float32
#pragma once

#include <ATen/core/Tensor.h>

#include "configs/model_config.h"

namespace phidias::models {

struct RotaryRows {
  at::Tensor cos, sin;  // [T, rotary_dim / 2] float32
};

class RotaryTable {
 public:
  // Throws ConfigError when rotary_dim is odd or zero, or when a factor list does not hold rotary_dim / 2 values.
  explicit RotaryTable(const configs::ModelConfig& config);

  // positions [T] integers, use_long [T] bool (without meaning for a model without LongRoPE), on the device of the result; every position
  // is below `longest`. The table grows when `longest` does; not thread-safe.
  RotaryRows rows(const at::Tensor& positions, const at::Tensor& use_long, std::int64_t longest);

  // [rotary_dim / 2] float32 on the CPU, for tests and pictures.
  at::Tensor inverse_frequencies(bool use_long) const;

 private:
  void grow(std::int64_t positions, at::Device device);

  configs::ModelConfig config_;
  std::int64_t capacity_ = 0;
  at::Tensor cos_, sin_;  // [capacity (x 2 with LongRoPE: short rows, then long rows), rotary_dim / 2]
};

}  // namespace phidias::models
