// Next-token prediction (pretrain, sft): the sum over target tokens of -log p(target), with the head in chunks so that logits are never whole.
#pragma once

#include "trainer/objectives/objective.h"

namespace phidias::trainer {

class NextToken : public Objective {
 public:
  Outcome forward(models::CausalLM& model, const kernels::PackedBatch& batch, const models::ForwardOptions& options, double gradient_scale) override;
  Outcome evaluate(models::CausalLM& model, const kernels::PackedBatch& batch, const models::ForwardOptions& options) override;
};

}  // namespace phidias::trainer
