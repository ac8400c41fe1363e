// The arithmetic of ExpertLora (lora.h) for the rows of one expert. Internal to expert_mlp.h. Nothing records a gradient.
//
// Matrices are counted gate (w1), up (w3), down (w2) = 0, 1, 2. The dropout of matrix m of the expert with global number e is drawn at site
// lora.site + 3 e + m by the token's key, so that a token's two experts drop different elements, on any rank.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>

#include "kernels/expert_mlp.h"

namespace phidias::kernels {

// parameter.gradient[e] = beta * gradient[e] + dy^T x: the slice of one expert. Does not report.
void accumulate_slice(const Parameter& parameter, std::int64_t e, const at::Tensor& dy, const at::Tensor& x);
// What an expert without a token leaves behind: zero where the gradient is to be overwritten.
void clear_slice(const Parameter& parameter, std::int64_t e);

class ExpertAdapter {
 public:
  // `local` expert of this rank, `global` its number; keys [n] of its rows, undefined: no dropout.
  ExpertAdapter(const ExpertLora& lora, int matrix, std::int64_t local, std::int64_t global, const at::Tensor& keys);
  bool empty() const { return a_ == nullptr; }
  // out [n, rows] += scale * dropout(x) A^T B^T; out may be a view with a row stride.
  void add_to(const at::Tensor& x, const at::Tensor& out) const;
  // scale * dy B [n, rank] float32, from which both of the next come.
  at::Tensor inner_gradient(const at::Tensor& dy) const;
  // dx += dropout'(inner A).
  void add_input_gradient(const at::Tensor& inner, const at::Tensor& dx) const;
  // Gradients of A and B, if trainable; x is what the matrix was given, inner belongs to dy.
  void add_parameter_gradients(const at::Tensor& x, const at::Tensor& dy, const at::Tensor& inner) const;

 private:
  at::Tensor dropped(const at::Tensor& x) const;

  Parameter *a_ = nullptr, *b_ = nullptr;
  std::int64_t local_;
  std::uint64_t site_;
  double scale_, dropout_;
  at::Tensor keys_;
};

// An expert without a token: all its gradients.
void clear_expert(const Experts& parameters, std::int64_t local);
void report_lora_gradients(const ExpertLora& lora);

}  // namespace phidias::kernels
