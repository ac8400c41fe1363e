// Low-rank adapters on a linear layer: y[:, rows] += scale * dropout(x) A^T B^T (LoRA, arXiv 2106.09685; PEFT 0.21.2).
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

#include "kernels/parameter.h"

namespace phidias::kernels {

// One adapted module; several where a fused weight holds several modules of the checkpoint (q_proj, k_proj, v_proj).
struct LoraAdapter {
  std::int64_t row = 0, rows = 0;  // output rows of the weight that it adapts
  Parameter* a = nullptr;          // [rank, in], float32
  Parameter* b = nullptr;          // [rows, rank], float32
  double scale = 1.0;              // alpha / rank, or alpha / sqrt(rank)
  double dropout = 0.0;            // of x, in training
  std::uint64_t site = 0;          // of the dropout's draws (draws.h)
};

// As linear.h, with adapters. draw_keys: PackedBatch's; undefined: no dropout.
at::Tensor linear_with_adapters(const at::Tensor& x, Parameter& weight, Parameter* bias, const std::vector<LoraAdapter>& adapters, const at::Tensor& draw_keys);

// Adapters of all local experts of one layer, stacked; either may be empty (a or b null: not adapted).
struct ExpertLora {
  Parameter *gate_a = nullptr, *gate_b = nullptr;  // w1: [experts, rank, hidden], [experts, inner, rank]
  Parameter *up_a = nullptr, *up_b = nullptr;      // w3: the same
  Parameter *down_a = nullptr, *down_b = nullptr;  // w2: [experts, rank, inner], [experts, hidden, rank]
  double scale = 1.0, dropout = 0.0;
  std::uint64_t site = 0;
  bool empty() const { return gate_a == nullptr && up_a == nullptr && down_a == nullptr; }
};

}  // namespace phidias::kernels
