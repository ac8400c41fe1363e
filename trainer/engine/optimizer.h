// AdamW over this rank's part of every trainable unit: two ranges each, with and without weight decay, one pass per range.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

#include "configs/run_config.h"
#include "trainer/engine/flat_parameters.h"

namespace phidias::trainer {

class Optimizer {
 public:
  // `ranks`: of the whole job. `parameters` outlive it. Throws ConfigError for a name other than adamw.
  Optimizer(FlatParameters& parameters, const configs::OptimizerSection& options, int ranks);

  // The gradient's sum of squares as far as it is this rank's to count: added over all ranks it is the whole one's. Where every rank holds the whole
  // gradient (`is_whole()`) the result is already that. Deterministic: the order of summation depends on sizes alone.
  double sum_of_squares() const;
  bool is_whole() const { return is_whole_; }
  // Collective. One update with the gradient times min(1, clip_norm / (norm + 1e-6)) (clip_norm 0: unchanged); decay before the update. With
  // skip_unused_experts, slices of expert parameters whose gradient is zero throughout keep weights and moments. Ends with compute values published.
  void step(double learning_rate, double gradient_norm);

  std::int64_t steps_done() const { return steps_done_; }  // t of the bias correction
  void set_steps_done(std::int64_t steps) { steps_done_ = steps; }

 private:
  struct Range {
    std::int64_t begin, end;  // elements of a unit
  };
  void update(UnitState& state, Range range, const std::vector<Range>& skipped, double learning_rate, double weight_decay, double gradient_factor);
  void update_own(UnitState& state, std::int64_t begin, std::int64_t end, double learning_rate, double weight_decay, double gradient_factor);
  static std::vector<Range> expert_slices(const Unit& unit);
  // Per unit, in order: the slices of experts that no rank gave a gradient. Collective.
  std::vector<std::vector<Range>> unused_experts() const;

  FlatParameters& parameters_;
  configs::OptimizerSection options_;
  bool is_whole_ = true;
  std::int64_t steps_done_ = 0;
};

}  // namespace phidias::trainer
