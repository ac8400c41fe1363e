// The parts of expert_mlp.h that are no matrix products, on any device. Nothing records a gradient. Internal.
//
// R rows are (token, choice) pairs sorted by expert: pairs[r] = t * choices + s, and places[t, s] is its inverse.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>

namespace phidias::kernels {

// out[r] = x[pairs[r] / choices]; x and out [., width] of one type, pairs [R] int64.
void gather_rows(const at::Tensor& x, const at::Tensor& pairs, std::int64_t choices, const at::Tensor& out);
// y[t] = sum over s, in order, of weights[t, s] * rows[places[t, s]]; places [T, choices] int64; weights float32 or undefined (1).
at::Tensor combine_rows(const at::Tensor& rows, const at::Tensor& places, const at::Tensor& weights);
// y = silu(gate) * up of gate_up [R, 2 width].
void swiglu_rows(const at::Tensor& gate_up, const at::Tensor& y);
// h = silu(gate) * up; d [R, width] is the gradient of h before its row's weight [R] (float32). Writes d_weights[r] = d . h (float32) and
// d_gate_up for weights[r] * d; then d becomes weights[r] * h.
void weighted_swiglu_backward(const at::Tensor& d, const at::Tensor& gate_up, const at::Tensor& weights, const at::Tensor& d_gate_up,
                              const at::Tensor& d_weights);

}  // namespace phidias::kernels
