// AdamW over this rank's part of every trainable unit: two ranges each, with and without weight decay, one pass per range.
//
// With optimizer.skip_unused_experts an expert that got no token in a step keeps weights and moments, and the step does not count in its bias correction:
// what torch.optim.AdamW does with a gradient that is None. Every expert then has a number of updates of its own.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <functional>
#include <map>
#include <string>
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
  // Whether an expert got a token in this step on any rank: `expert` is its number among this rank's, of `experts`.
  using ExpertUse = std::function<bool(int block, std::int64_t expert, std::int64_t experts)>;
  // Collective. One update with the gradient times min(1, clip_norm / (norm + 1e-6)) (clip_norm 0: unchanged); decay before the update. With
  // skip_unused_experts, experts without a token keep weights and moments, and their bias correction counts their own updates, as PyTorch's AdamW does
  // where a gradient is None. Ends with compute values published.
  void step(double learning_rate, double gradient_norm, const ExpertUse& used);

  std::int64_t steps_done() const { return steps_done_; }  // t of the bias correction
  // Tensors of this rank's experts with fewer updates than steps.
  std::map<std::string, std::int64_t> fewer_updates() const;
  // `updates_of`: of a tensor; asked for experts only.
  void set_steps_done(std::int64_t steps, const std::function<std::int64_t(const std::string& tensor)>& updates_of);

 private:
  struct Update {
    double learning_rate, weight_decay, gradient_factor;
    std::int64_t number;  // from 1
  };
  // One expert's part of a stacked parameter.
  struct ExpertSlice {
    const models::ParameterDeclaration* declaration;
    std::int64_t first, count;  // elements of the parameter
    std::int64_t begin;         // of `first` in the unit
    std::int64_t updates;
  };
  void update(UnitState& state, std::int64_t begin, std::int64_t end, const Update& update);
  void update_experts(UnitState& state, std::vector<ExpertSlice>& slices, Update update, const ExpertUse& used);

  FlatParameters& parameters_;
  configs::OptimizerSection options_;
  std::vector<std::vector<ExpertSlice>> experts_;  // per unit; empty where units are updated as a whole
  bool is_whole_ = true;
  std::int64_t steps_done_ = 0;
};

}  // namespace phidias::trainer
