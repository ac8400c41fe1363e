// The second half of a block, whatever an architecture has there: an MLP (phi3, phi3small) or a mixture of experts (phimoe).
#pragma once

#include "models/layers/attention.h"

namespace phidias::models {

// What a block is given besides its input. Held by value in recomputed segments, which outlive the call.
struct BlockContext {
  Attend attend;
  std::size_t block = 0;
  ForwardOptions options;
  at::Tensor draw_keys;  // PackedBatch's; undefined: no random draws
};

class FeedForward : public Layer {
 public:
  virtual at::Tensor forward(const at::Tensor& x, const BlockContext& context) = 0;  // [T, hidden] -> [T, hidden]
};

}  // namespace phidias::models
