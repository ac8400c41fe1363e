#include "kernels/embedding.h"

#include <ATen/ops/embedding.h>

#include <algorithm>

#include "base/error.h"
#include "kernels/autograd.h"
#include "kernels/cpu/dispatch.h"
#include "kernels/cuda_backend.h"

namespace phidias::kernels {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

// On a GPU the lookup itself asserts: reading the ids back would make the host wait.
void check_range(const at::Tensor& tokens, std::int64_t rows, const std::string& name) {
  if (!tokens.is_cpu()) return;
  const at::Tensor dense = tokens.contiguous();
  const std::int64_t* ids = dense.const_data_ptr<std::int64_t>();
  const std::int64_t* wrong = std::find_if(ids, ids + dense.numel(), [rows](std::int64_t id) { return id < 0 || id >= rows; });
  if (wrong == ids + dense.numel()) return;
  throw DataError("token id " + std::to_string(*wrong) + " is outside the " + std::to_string(rows) + " rows of " + name +
                  ": the tokenizer does not belong to this model");
}

void accumulate_rows(Parameter& weight, const at::Tensor& dy, const at::Tensor& tokens, std::int64_t ignored_id) {
  if (on_cuda(dy)) return require_cuda().accumulate_embedding_gradient(dy, tokens, ignored_id, weight.gradient, weight.beta());
  if (cpu::covers({dy})) {
    cpu::kernels_for(dy.scalar_type())
        .embedding_backward(dy.const_data_ptr(), tokens.const_data_ptr<std::int64_t>(), ignored_id, weight.gradient.mutable_data_ptr<float>(),
                            static_cast<float>(weight.beta()), dy.size(0), weight.gradient.size(0), dy.size(1), cpu::team_size(dy.numel()));
    return;
  }
  at::Tensor rows = dy.to(at::kFloat);
  if (ignored_id >= 0) rows = rows.masked_fill(tokens.eq(ignored_id).unsqueeze(1), 0.0);
  if (!weight.has_gradient) weight.gradient.zero_();
  weight.gradient.index_add_(0, tokens, rows);
}

struct Embedding : torch::autograd::Function<Embedding> {
  static at::Tensor forward(AutogradContext* ctx, const at::Tensor& tokens, const at::Tensor&, Parameter* weight, std::int64_t ignored_id) {
    ctx->save_for_backward({tokens.contiguous()});
    save_parameter(ctx, "weight", weight);
    ctx->saved_data["ignored_id"] = ignored_id;
    return at::embedding(weight->value, tokens);
  }

  static variable_list backward(AutogradContext* ctx, const variable_list& gradients) {
    Parameter& weight = *saved_parameter(ctx, "weight");
    accumulate_rows(weight, gradients[0].contiguous(), ctx->get_saved_variables()[0], ctx->saved_data["ignored_id"].toInt());
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
