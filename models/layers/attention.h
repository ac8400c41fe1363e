// Self-attention: one fused projection to query, key and value heads, attention, one projection back.
//
// What happens between the two projections differs between training, prefill and decoding, and is handed in.
#pragma once

#include <functional>
#include <memory>
#include <utility>

#include "configs/model_config.h"
#include "kernels/attention.h"
#include "models/layers/linear.h"

namespace phidias::models {

// qkv [T, (heads + 2 kv_heads) * head_dim] of block `block` -> [T, heads * head_dim].
using Attend = std::function<at::Tensor(const at::Tensor& qkv, std::size_t block)>;

// heads, rotary dimensions, scale and visible keys of block `block`. inclusive_window: W + 1 visible keys, as flash-attention training had it.
kernels::AttentionShape attention_shape(const configs::ModelConfig& config, std::size_t block, bool inclusive_window);

class SelfAttention : public Layer {
 public:
  // The projections to query, key and value heads and back, under their names in the checkpoint.
  SelfAttention(const char* qkv_name, std::shared_ptr<Linear> qkv, const char* out_name, std::shared_ptr<Linear> out)
      : qkv_(register_module(qkv_name, std::move(qkv))), out_(register_module(out_name, std::move(out))) {}
  // draw_keys: of the adapters' dropout.
  at::Tensor forward(const at::Tensor& x, const Attend& attend, std::size_t block, const at::Tensor& draw_keys) {
    return out_->forward(attend(qkv_->forward(x, draw_keys), block), draw_keys);
  }

 private:
  std::shared_ptr<Linear> qkv_, out_;
};

}  // namespace phidias::models
