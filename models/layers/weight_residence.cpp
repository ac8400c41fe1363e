#include "models/layers/weight_residence.h"

#include <torch/csrc/autograd/custom_function.h>

namespace phidias::models {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

enum class Side { enter, leave };

struct BlockBoundary : torch::autograd::Function<BlockBoundary> {
  static variable_list forward(AutogradContext* ctx, const variable_list& tensors, WeightSource* weights, int block, Side side) {
    ctx->saved_data["weights"] = static_cast<std::int64_t>(reinterpret_cast<std::intptr_t>(weights));
    ctx->saved_data["block"] = static_cast<std::int64_t>(block);
    ctx->saved_data["enter"] = side == Side::enter;
    ctx->set_materialize_grads(false);
    return tensors;
  }
  static variable_list backward(AutogradContext* ctx, variable_list gradients) {
    auto* weights = reinterpret_cast<WeightSource*>(static_cast<std::intptr_t>(ctx->saved_data["weights"].toInt()));
    const int block = static_cast<int>(ctx->saved_data["block"].toInt());
    if (ctx->saved_data["enter"].toBool())
      weights->after_backward(block);
    else
      weights->before_backward(block);
    gradients.resize(gradients.size() + 3);
    return gradients;
  }
};

std::pair<at::Tensor, at::Tensor> boundary(WeightSource& weights, int block, const at::Tensor& x, const at::Tensor& update, Side side) {
  variable_list tensors{x};
  if (update.defined()) tensors.push_back(update);
  tensors = BlockBoundary::apply(tensors, &weights, block, side);
  return {tensors[0], update.defined() ? tensors[1] : at::Tensor()};
}

}  // namespace

std::pair<at::Tensor, at::Tensor> enter_block(WeightSource& weights, int block, const at::Tensor& x, const at::Tensor& update) {
  return boundary(weights, block, x, update, Side::enter);
}

std::pair<at::Tensor, at::Tensor> leave_block(WeightSource& weights, int block, const at::Tensor& x, const at::Tensor& update) {
  return boundary(weights, block, x, update, Side::leave);
}

}  // namespace phidias::models
