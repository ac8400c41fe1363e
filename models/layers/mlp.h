// Phi-3's feed-forward part: down_proj(up * silu(gate)), gate and up being the two halves of one projection (phi3: gate first).
#pragma once

#include "configs/model_config.h"
#include "models/layers/feed_forward.h"

namespace phidias::models {

class Mlp : public FeedForward {
 public:
  explicit Mlp(const configs::ModelConfig& config);
  at::Tensor forward(const at::Tensor& x, const BlockContext& context) override;

 private:
  std::shared_ptr<Linear> gate_up_proj_, down_proj_;
};

}  // namespace phidias::models
