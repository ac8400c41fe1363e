// SparseMixer-v2: two experts per token and the gradient of their weights (GRIN, arXiv 2409.12136; transformers modeling_phimoe 4.57.3).
//
// For each slot: entries further than 2 epsilon below the best, relative to max(|s_i|, best), are removed; the expert is the best (inference) or drawn
// from the softmax of what is left (training); its weight is its softmax value w, in training times c = 1 (argmax, or a draw with probability 1/4)
// or 0.3333. The first choice is excluded in the second slot. Gradient: ds_i = G * w * ([i == e] - g_i); c, masks and draws carry none.
//
// 2 to 64 experts, k = 2. Scores of any type are computed with in float32 (the reference computes masks and softmax in the scores' own type, so that
// a bfloat16 model may now and then choose otherwise). A NaN among the scores reaches the weights; the experts stay valid, and two different ones.
// Draws of slot s (draws.h): site expert_sampling, slot s; elements 0 .. E - 1 give the exponentials -ln(u), the next multiple of 4 the midpoint.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <functional>

#include "kernels/parameter.h"

namespace phidias::kernels {

struct SparseMixerOptions {
  double epsilon = 0.01;    // router_jitter_noise
  bool sampled = false;     // training: draw_keys needed
  std::uint64_t layer = 0;  // of the draws' site
};

struct Routing {
  at::Tensor experts;  // [T, 2] int64
  at::Tensor weights;  // [T, 2] of the scores' dtype, differentiable
};

// Of one forward pass of one layer, shared with the backward pass: models/routing_record.h.
struct LayerRouting {
  at::Tensor load;              // [E] int64: tokens per expert, both slots
  at::Tensor top_counts;        // [E] int64: plain top-2 of the softmax (the auxiliary loss counts these)
  at::Tensor probability_sum;   // [E] float32: sum over tokens of the softmax of the scores
  at::Tensor experts, weights;  // [T, 2], kept when asked for
};

// scores [T, E]. `statistics`, when not null, is overwritten (not added to: recomputation runs twice). `aux_gradient`, when not empty, is asked in
// backward for the gradient [E] float32 of the step's loss with respect to each token's softmax probabilities, and adds its part to the scores'.
Routing sparse_mixer(const at::Tensor& scores, const SparseMixerOptions& options, const at::Tensor& draw_keys, LayerRouting* statistics,
                     const std::function<at::Tensor()>& aux_gradient);

// x [T, hidden] times the gate's weight [E, hidden] -> scores [T, E]. frozen: the gate's gradient is zero (written, so that nothing old remains); the
// gradient of x is the same.
at::Tensor router_scores(const at::Tensor& x, Parameter& gate, bool frozen);

// x times U(1 - epsilon, 1 + epsilon) elementwise, drawn per token and element; the gradient is multiplied alike.
at::Tensor input_jitter(const at::Tensor& x, double epsilon, const at::Tensor& draw_keys, std::uint64_t layer);

}  // namespace phidias::kernels
