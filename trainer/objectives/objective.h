// A training method: from a packed micro-batch to a summed loss. The loop and the engine never know which one runs.
//
// A new loss is a new file here plus its name in make_objective; it decides what `forward` computes from the hidden states, how evaluation
// reports it and which metrics it adds to a step's line.
#pragma once

#include <ATen/core/Tensor.h>

#include <memory>
#include <string>
#include <vector>

#include "configs/run_config.h"
#include "kernels/packed_batch.h"
#include "models/causal_lm.h"

namespace phidias::trainer {

struct Outcome {
  at::Tensor root;      // backward starts here (scalar); it yields the gradient of gradient_scale * loss_sum
  at::Tensor loss_sum;  // scalar, detached: the summed loss of this micro-batch
  at::Tensor metrics;   // [metric_names().size()] float64 sums over the micro-batch, or undefined when there are none
};

class Objective {
 public:
  virtual ~Objective() = default;
  // Metrics besides the loss; each is a sum that the engine divides by the step's target count over all ranks.
  virtual std::vector<std::string> metric_names() const { return {}; }
  // `gradient_scale`: 1 / divisor of the step. Called with autograd on.
  virtual Outcome forward(models::CausalLM& model, const kernels::PackedBatch& batch, const models::ForwardOptions& options, double gradient_scale) = 0;
  // The same loss without gradients; root stays undefined.
  virtual Outcome evaluate(models::CausalLM& model, const kernels::PackedBatch& batch, const models::ForwardOptions& options) = 0;
};

// pretrain and sft: next token. Throws ConfigError for a method that this build does not have.
std::unique_ptr<Objective> make_objective(configs::Method method);

}  // namespace phidias::trainer
