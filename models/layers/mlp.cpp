#include "models/layers/mlp.h"

#include "kernels/swiglu.h"

namespace phidias::models {

Mlp::Mlp(const configs::ModelConfig& config)
    : gate_up_proj_(register_module("gate_up_proj", std::make_shared<Linear>(config.hidden_size, 2 * config.intermediate_size))),
      down_proj_(register_module("down_proj", std::make_shared<Linear>(config.intermediate_size, config.hidden_size))) {}

at::Tensor Mlp::forward(const at::Tensor& x, const BlockContext& context) {
  return down_proj_->forward(kernels::swiglu(gate_up_proj_->forward(x, context.draw_keys)), context.draw_keys);
}

}  // namespace phidias::models
