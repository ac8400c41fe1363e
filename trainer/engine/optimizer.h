// AdamW over the flat memory of FlatParameters: two ranges, with and without weight decay, one pass each.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>

#include "configs/run_config.h"
#include "trainer/engine/flat_parameters.h"

namespace phidias::trainer {

class Optimizer {
 public:
  // Allocates the moments (state_dtype). Throws ConfigError for a name other than adamw.
  Optimizer(FlatParameters& parameters, const configs::OptimizerSection& options);

  // Euclidean norm of the whole flat gradient. Deterministic: the order of summation depends on the size alone.
  double gradient_norm() const;
  // One update with the gradient times min(1, clip_norm / (norm + 1e-6)) (clip_norm 0: unchanged); decay before the update.
  void step(double learning_rate, double gradient_norm);

  std::int64_t steps_done() const { return steps_done_; }  // t of the bias correction
  void set_steps_done(std::int64_t steps) { steps_done_ = steps; }
  at::Tensor& exp_avg() { return exp_avg_; }
  at::Tensor& exp_avg_sq() { return exp_avg_sq_; }

 private:
  void update_range(std::int64_t begin, std::int64_t end, double learning_rate, double weight_decay, double gradient_factor);

  FlatParameters& parameters_;
  configs::OptimizerSection options_;
  at::Tensor exp_avg_, exp_avg_sq_;
  std::int64_t steps_done_ = 0;
};

}  // namespace phidias::trainer
