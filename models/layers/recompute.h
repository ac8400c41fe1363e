// Activation recomputation: a segment's intermediate tensors are dropped after forward and made again in backward.
//
// Forward runs the segment and drops its record. Backward runs it again and back-propagates through that; parameter gradients reach
// kernels::Parameter exactly once, and the value and all gradients are bit-equal to those of the recorded segment.
#pragma once

#include <ATen/core/Tensor.h>

#include <functional>

namespace phidias::models {

struct RecomputedSegment {
  std::function<at::Tensor(const at::Tensor&)> run;       // captures everything but its input by value: it outlives the call
  std::function<void()> before, after;                    // around the run in forward; may be empty
  std::function<void()> before_backward, after_backward;  // around the second run and its gradient; may be empty
};

// The segment's value for `input`. Records nothing when gradients are off or when neither the input nor the segment
// (`segment_trainable`) needs any.
at::Tensor recompute(RecomputedSegment segment, const at::Tensor& input, bool segment_trainable);

}  // namespace phidias::models
