// A weight and the place where its gradient goes.
//
// Operations of kernels/ do not return weight gradients to autograd: they write them straight into the engine's flat buffer (the first
// contribution of a step overwrites, later ones add), which saves zeroing and one pass over memory, and report when the parameter has
// received all contributions of a backward pass, so that its bucket can be reduced while the rest of backward runs.
//
//   // inside an operation's backward, only when weight.trainable():
//   at::addmm_out(weight.gradient, weight.gradient, dy.t(), x, /*beta=*/weight.beta(), 1);   // beta 0 ignores what was there
//   weight.contributed();
#pragma once

#include <ATen/core/Tensor.h>

#include <string>

namespace phidias::kernels {

struct Parameter;

// Told once per backward pass and parameter, after its last contribution. May run on autograd's device thread.
class GradientListener {
 public:
  virtual ~GradientListener() = default;
  virtual void gradient_ready(Parameter& parameter) = 0;
};

struct Parameter {
  std::string name;           // Hugging Face tensor name
  at::Tensor value;           // compute dtype; a leaf that requires grad when trainable
  at::Tensor gradient;        // same shape, float32, a view of the engine's flat buffer; undefined: frozen, or not bound at the moment
  bool on_demand = false;     // trainable, but value and gradient are bound only while its block runs (sharded training)
  bool has_gradient = false;  // false: the next contribution overwrites
  int uses = 1;               // contributions per backward pass (2: tied embedding and head)
  int contributions = 0;      // in the running backward pass
  GradientListener* listener = nullptr;

  bool trainable() const { return on_demand || gradient.defined(); }
  // 0 when the target must be overwritten, 1 when it must be added to.
  double beta() const { return has_gradient ? 1.0 : 0.0; }
  // Call after each contribution.
  void contributed() {
    has_gradient = true;
    if (++contributions < uses) return;
    contributions = 0;
    if (listener != nullptr) listener->gradient_ready(*this);
  }
};

}  // namespace phidias::kernels
