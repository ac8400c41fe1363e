// Every parameter of a model in flat memory: one allocation each for float32 masters, compute values, gradients.
//
// Trainable parameters come first the ones with weight decay, then the others; within a group in reverse order of use, so that gradients
// near the front are ready early in backward and whole buckets can be reduced while the rest of it runs. Every parameter starts at a
// multiple of 64 bytes; the gaps stay zero.
//
//   float32 model:  master is the compute memory (one allocation).
//   bfloat16 model: Parameter::value views a bfloat16 copy; master and gradient are float32.
//   frozen parameters (model.trainable): compute values only.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <string>
#include <vector>

#include "configs/run_config.h"
#include "models/causal_lm.h"

namespace phidias::trainer {

struct FlatSlot {
  const models::ParameterDeclaration* declaration = nullptr;
  std::int64_t offset = 0, count = 0;  // elements of the flat memory
  kernels::Parameter& parameter() const { return *declaration->parameter; }
  const std::string& name() const { return declaration->name; }
  at::Tensor view(const at::Tensor& flat) const { return flat.narrow(0, offset, count).view(declaration->shape); }
};

struct FlatOptions {
  at::ScalarType dtype = at::kFloat;  // compute dtype: float32 or bfloat16
  at::Device device = at::kCPU;
  configs::Decay decay = configs::Decay::matrices;
  std::vector<std::string> trainable;  // shell patterns over names; empty: all
};

class FlatParameters {
 public:
  // Throws ConfigError when a pattern matches no parameter.
  FlatParameters(models::CausalLM& model, const FlatOptions& options);

  // Binds every value to memory that weights are read or drawn into: float32 masters where trainable, compute memory where frozen.
  void bind_for_loading();
  // Binds values for training: compute copies made from the masters, gradients, requires_grad.
  void bind_for_training();

  const std::vector<FlatSlot>& trainable() const { return trainable_; }
  const std::vector<FlatSlot>& frozen() const { return frozen_; }
  at::Tensor& master() { return master_; }
  at::Tensor& compute() { return compute_; }  // undefined when the masters are the compute values
  at::Tensor& gradient() { return gradient_; }
  at::Tensor& frozen_values() { return frozen_values_; }
  std::int64_t decayed_count() const { return decayed_count_; }  // elements at the front that take weight decay
  std::int64_t size() const { return size_; }                    // elements of master, gradient and moments

 private:
  FlatOptions options_;
  std::vector<FlatSlot> trainable_, frozen_;
  std::int64_t decayed_count_ = 0, size_ = 0, frozen_size_ = 0;
  at::Tensor master_, compute_, gradient_, frozen_values_;
};

}  // namespace phidias::trainer
