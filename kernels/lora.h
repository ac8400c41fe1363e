// Low-rank adapters on a linear layer: y[:, rows] += scale * dropout(x) A^T B^T (LoRA, arXiv 2106.09685; PEFT 0.21.2).
//
// A and B are float32, whatever the model's dtype; a bfloat16 model converts them at each use. One A product serves all adapted modules of a fused
// weight, and so does one dropout mask (PEFT draws one per module: the same distribution for each of them). Kept for backward: x, and
// u = dropout(x) A^T where it was computed.
//
// Many rows in float32 without dropout are multiplied by W + scale * B A, made for the moment: fewer operations than adding to y and to dx, and no
// further pass over them. The gradients of A and B never take that detour.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

#include "kernels/parameter.h"

namespace phidias::kernels {

// Output rows of a weight that one module of the checkpoint is made of (q_proj inside a fused projection).
struct LoraRows {
  std::int64_t row = 0, rows = 0;
};

// The adapters of one weight [out, in].
struct LinearLora {
  std::vector<LoraRows> modules;  // n adapted modules, ascending and disjoint; never empty
  Parameter* a = nullptr;         // [n * rank, in], float32: module after module
  Parameter* b = nullptr;         // [sum of rows, rank], float32: module after module
  double scale = 1.0;             // alpha / rank, or alpha / sqrt(rank)
  double dropout = 0.0;           // of x, in training
  std::uint64_t site = 0;         // of the dropout's draws (draws.h)
  std::int64_t rank() const { return b->value.size(1); }
};

// As linear.h, with adapters; `lora` outlives backward. draw_keys: PackedBatch's; undefined: no dropout.
at::Tensor linear_with_adapters(const at::Tensor& x, Parameter& weight, Parameter* bias, const LinearLora& lora, const at::Tensor& draw_keys);

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
