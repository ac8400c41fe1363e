#include "kernels/embedding.h"

#include <ATen/ops/embedding.h>

#include "base/error.h"
#include "kernels/autograd.h"

namespace phidias::kernels {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

void check_range(const at::Tensor& tokens, std::int64_t rows, const std::string& name) {
  if (tokens.numel() == 0) return;
  const std::int64_t lowest = tokens.min().item<std::int64_t>(), highest = tokens.max().item<std::int64_t>();
  if (lowest >= 0 && highest < rows) return;
  throw DataError("token id " + std::to_string(lowest < 0 ? lowest : highest) + " is outside the " + std::to_string(rows) + " rows of " + name +
                  ": the tokenizer does not belong to this model");
}

struct Embedding : torch::autograd::Function<Embedding> {
  static at::Tensor forward(AutogradContext* ctx, const at::Tensor& tokens, const at::Tensor&, Parameter* weight, std::int64_t ignored_id) {
    ctx->save_for_backward({tokens});
    save_parameter(ctx, "weight", weight);
    ctx->saved_data["ignored_id"] = ignored_id;
    return at::embedding(weight->value, tokens);
  }

  static variable_list backward(AutogradContext* ctx, const variable_list& gradients) {
    Parameter& weight = *saved_parameter(ctx, "weight");
    const at::Tensor tokens = ctx->get_saved_variables()[0];
    at::Tensor dy = gradients[0].to(at::kFloat);
    const std::int64_t ignored_id = ctx->saved_data["ignored_id"].toInt();
    if (ignored_id >= 0) dy = dy.masked_fill(tokens.eq(ignored_id).unsqueeze(1), 0.0);
    if (!weight.has_gradient) weight.gradient.zero_();
    weight.gradient.index_add_(0, tokens, dy);
    weight.contributed();
    return {at::Tensor(), at::Tensor(), at::Tensor(), at::Tensor()};
  }
};

}  // namespace

at::Tensor embedding(const at::Tensor& tokens, Parameter& weight, std::int64_t ignored_id) {
  check_range(tokens, weight.value.size(0), weight.name);
  if (!records_gradients()) return at::embedding(weight.value, tokens);
  if (weight.trainable()) return Embedding::apply(tokens, weight.value, &weight, ignored_id);
  // A frozen table still starts a gradient chain: recomputed blocks are differentiated only when their input requires gradients.
  return at::embedding(weight.value, tokens).detach().requires_grad_(true);
}

}  // namespace phidias::kernels
