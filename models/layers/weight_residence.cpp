#include "models/layers/weight_residence.h"

#include <torch/csrc/autograd/custom_function.h>

#include <optional>

namespace phidias::models {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

enum class Side { enter, leave };

struct BlockBoundary : torch::autograd::Function<BlockBoundary> {
  static variable_list forward(AutogradContext* ctx, const at::Tensor& x, const std::optional<at::Tensor>& update, WeightSource* weights, int block,
                               Side side) {
    ctx->saved_data["weights"] = static_cast<std::int64_t>(reinterpret_cast<std::intptr_t>(weights));
    ctx->saved_data["block"] = static_cast<std::int64_t>(block);
    ctx->saved_data["enter"] = side == Side::enter;
    ctx->set_materialize_grads(false);
    return update ? variable_list{x, *update} : variable_list{x};
  }
  static variable_list backward(AutogradContext* ctx, variable_list gradients) {
    auto* weights = reinterpret_cast<WeightSource*>(static_cast<std::intptr_t>(ctx->saved_data["weights"].toInt()));
    const int block = static_cast<int>(ctx->saved_data["block"].toInt());
    if (ctx->saved_data["enter"].toBool())
      weights->after_backward(block);
    else
      weights->before_backward(block);
    gradients.resize(5);
    return gradients;
  }
};

std::pair<at::Tensor, at::Tensor> boundary(WeightSource& weights, int block, const at::Tensor& x, const at::Tensor& update, Side side) {
  const std::optional<at::Tensor> second = update.defined() ? std::optional(update) : std::nullopt;
  const variable_list tensors = BlockBoundary::apply(x, second, &weights, block, side);
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
