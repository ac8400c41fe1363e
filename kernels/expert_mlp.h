// The experts of a mixture: tokens sorted once by expert, sent to the ranks that own them, computed by grouped matrix products, sent back.
//
//   y[t] = sum over slots s of weights[t, s] * down_e(up_e(x) * silu(gate_e(x))),  e = experts[t, s]
//
// No capacity, no dropped token; an expert, a rank or the whole batch without a token is an ordinary case. The gradient reaches x, weights and the
// parameters; an expert without a token gets the gradient zero. Sums over choices are taken in their order: the result does not depend on threads.
//
// Kept for backward: x (with several ranks the rows that arrived), the rows' order and the products before the activation; activations and what the
// experts gave are made again. Source: transformers modeling_phimoe (4.57.3), PhimoeBLockSparseTop2MLP.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <optional>

#include "kernels/lora.h"
#include "kernels/parameter.h"
#include "parallel/communicator.h"

namespace phidias::kernels {

// The ranks that share the experts of a layer: rank r of n owns experts [r * E / n, (r + 1) * E / n). Every call is collective over them, forward
// and backward, in the same order on all; a rank without tokens takes part. Both null: one rank (or a model that is only planned).
struct ExpertRanks {
  parallel::Communicator* host = nullptr;    // counts
  parallel::Communicator* device = nullptr;  // rows
  int rank = 0, size = 1;
};

struct Experts {
  std::int64_t count = 0;            // over all ranks
  Parameter* gate_up = nullptr;      // [local, 2 inner, hidden]: w1 rows, then w3 rows
  Parameter* down = nullptr;         // [local, hidden, inner]: w2
  const ExpertLora* lora = nullptr;  // null: none
  ExpertRanks ranks = {};
  std::optional<bool> grouped = {};  // one product for all experts, where it can be (bfloat16), or one each; unset: by device
};

// ranks.host and ranks.device must outlive backward, and so must what the pointers of Experts point to. Adapters' dropout: expert_lora.h.
//
// x [T, hidden], experts [T, k] int64 (global numbers), weights [T, k] of x's dtype or float32 -> [T, hidden]. draw_keys as in lora.h (they travel with the
// rows).
at::Tensor expert_mlp(const at::Tensor& x, const at::Tensor& experts, const at::Tensor& weights, const Experts& parameters, const at::Tensor& draw_keys);

}  // namespace phidias::kernels
