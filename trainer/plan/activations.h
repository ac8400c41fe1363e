// Bytes that one micro-batch of training holds beside the states: a walk through forward and backward in the order the operations run, counting what
// each takes and lets go (kernels/*.cpp, models/decoder.cpp, models/layers/recompute.cpp). Nothing is computed or allocated.
//
// T tokens, b bytes of an activation, H hidden, Q rows of the fused projection, A = heads * head_dim, I inner width, k experts of a token, E experts.
// Kept for backward by one block, all projections trainable:
//
//   residual and normed stream, twice     4 H b        rms_norm, linear
//   projections and attention's output    (Q + A) b    attention, linear       + 4 heads (log-sum-exp, float32)
//   dense MLP                             3 I b        swiglu or gegelu, linear
//   mixture of experts                    (2 I k + E) b + 20 k                 expert_mlp, sparse_mixer; + k H b on an expert axis
//   statistics of the norms               8            (LayerNorm: 16)
//
//   recompute none: all of it; mlp: without the MLP's; block: H b, and one block's sum while it is differentiated.
//
// A frozen projection does not keep its input. With LoRA an adapted one keeps it, and rank values per adapted module. Rows of experts are counted as
// dealt evenly over an expert axis; documents as long as `longest_document`, which sizes the CPU attention's scratch memory.
#pragma once

#include <c10/core/ScalarType.h>

#include <cstdint>
#include <string>
#include <vector>

#include "configs/model_config.h"
#include "models/causal_lm.h"
#include "trainer/engine/unit_layout.h"
#include "trainer/plan/memory_trace.h"

namespace phidias::trainer {

// Which inputs of a block's projections are kept for backward (in any block), and values per token that adapters keep in addition.
struct KeptInputs {
  bool qkv = true, o = true, up = true, down = true, router = true, head = true;
  std::int64_t adapter_values = 0;
};
KeptInputs kept_inputs(const UnitLayout& layout);

struct ActivationShape {
  std::int64_t tokens = 0, longest_document = 0;
  at::ScalarType dtype = at::kFloat;
  models::Recompute recompute = models::Recompute::none;
  KeptInputs kept;
  bool cuda = false;
  int threads = 1;       // CPU: of one rank
  int expert_ranks = 1;  // of the expert axis
  bool trains_head = true;
};

struct ActivationPlan {
  std::int64_t kept = 0;                       // held between forward and backward
  std::int64_t logits_chunk = 0, passing = 0;  // what the head, and a recomputed segment or the experts, hold for a moment
  std::int64_t left = 0;                       // held after backward: the batch, cos and sin, the gradient of the embedding's output
  LiveBytes peak;                              // by kind, at the moment of the largest sum
  std::string peak_phase;                      // "forward", "head" or "backward"
};

ActivationPlan plan_activations(const configs::ModelConfig& config, const ActivationShape& shape);

}  // namespace phidias::trainer
