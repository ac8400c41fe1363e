#include "trainer/engine/leaf_gradients.h"

#include <c10/core/GradMode.h>
#include <torch/csrc/autograd/function_hook.h>
#include <torch/csrc/autograd/variable.h>

#include <memory>

namespace phidias::trainer {
namespace {

class MoveIntoFlatBuffer : public torch::autograd::PostAccumulateGradHook {
 public:
  explicit MoveIntoFlatBuffer(kernels::Parameter& parameter) : parameter_(parameter) {}

  void operator()(const at::Tensor& leaf) override {
    if (!leaf.grad().defined()) return;  // an operation of kernels/ wrote and reported it already
    const at::NoGradGuard no_grad;
    if (parameter_.has_gradient)
      parameter_.gradient.add_(leaf.grad());
    else
      parameter_.gradient.copy_(leaf.grad());
    leaf.mutable_grad().reset();
    parameter_.contributions = parameter_.uses - 1;
    parameter_.contributed();
  }

 private:
  kernels::Parameter& parameter_;
};

}  // namespace

void take_over_leaf_gradient(kernels::Parameter& parameter) {
  torch::autograd::impl::set_post_acc_grad_hooks(parameter.value, std::make_unique<MoveIntoFlatBuffer>(parameter));
}

}  // namespace phidias::trainer
