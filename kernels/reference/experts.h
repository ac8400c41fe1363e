// Slow twins of layer_norm.h, sparse_mixer.h, expert_mlp.h and draws.h, in plain ATen: any device, any floating-point type, differentiable by autograd
// where nothing else is said.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <tuple>
#include <utility>
#include <vector>

#include "kernels/sparse_mixer.h"

namespace phidias::kernels::reference {

// {y, statistics [T, 2]: mean and 1 / deviation}; statistics in float32 (float64 for float64 input).
std::pair<at::Tensor, at::Tensor> layer_norm(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias, double eps);
// {dx in x's type, d weight, d bias in the statistics' type}; a formula.
std::tuple<at::Tensor, at::Tensor, at::Tensor> layer_norm_backward(const at::Tensor& dy, const at::Tensor& x, const at::Tensor& weight,
                                                                   const at::Tensor& statistics);

// Uniform numbers in (0, 1) of elements [0, width) of each token at a site: [T, width] float32 on the CPU.
at::Tensor uniforms(const at::Tensor& draw_keys, std::uint64_t site, std::int64_t width);

// What a router draws: uniforms [T, 2, experts] of the choices and [T, 2] of the midpoints. Undefined tensors: nothing is drawn.
struct RouterDraws {
  at::Tensor choices, midpoints;
};
RouterDraws router_draws(const at::Tensor& draw_keys, std::uint64_t layer, std::int64_t experts);
// The weights' autograd gradient is the operation's formula in both modes.
Routing sparse_mixer(const at::Tensor& scores, double epsilon, const RouterDraws& draws);

// gate_up [E, 2 inner, hidden], down [E, hidden, inner].
at::Tensor expert_mlp(const at::Tensor& x, const at::Tensor& experts, const at::Tensor& weights, const at::Tensor& gate_up, const at::Tensor& down);

}  // namespace phidias::kernels::reference
