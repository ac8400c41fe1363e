// Tells a WeightSource when backward reaches and leaves a block: identities in forward whose gradients pass by unchanged.
//
//   leave_block: at a block's end; its backward runs before the block's:  before_backward(block)
//   enter_block: at its beginning; its backward runs after the block's:   after_backward(block)
//
// Where nothing before a block needs a gradient, enter_block is not part of the graph and after_backward does not come: the owner of the step
// closes what is open when backward returns. Tensors may be undefined.
#pragma once

#include <ATen/core/Tensor.h>

#include <utility>

#include "models/causal_lm.h"

namespace phidias::models {

std::pair<at::Tensor, at::Tensor> enter_block(WeightSource& weights, int block, const at::Tensor& x, const at::Tensor& update);
std::pair<at::Tensor, at::Tensor> leave_block(WeightSource& weights, int block, const at::Tensor& x, const at::Tensor& update);

}  // namespace phidias::models
