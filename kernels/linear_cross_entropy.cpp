#include "kernels/linear_cross_entropy.h"

#include <ATen/ops/full.h>
#include <ATen/ops/zeros.h>

#include "kernels/autograd.h"
#include "kernels/head_chunks.h"

namespace phidias::kernels {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

// The sum is taken in double: thousands of terms of one sign.
at::Tensor summed_loss(const at::Tensor& log_probability) { return log_probability.sum(at::kDouble).neg().to(at::kFloat); }

at::Tensor row_values(const at::Tensor& hidden) { return at::zeros({hidden.size(0)}, hidden.options().dtype(at::kFloat)); }

struct NextTokenLoss : torch::autograd::Function<NextTokenLoss> {
  static at::Tensor forward(AutogradContext* ctx, const at::Tensor& hidden, const at::Tensor&, const at::Tensor&, Head head, const at::Tensor& targets,
                            double gradient_scale) {
    TokenLogProbabilities result{row_values(hidden), at::Tensor(), at::Tensor()};
    const at::Tensor factor = at::full({hidden.size(0)}, -gradient_scale, hidden.options().dtype(at::kFloat));
    ctx->saved_data["d_hidden"] = HeadChunks(hidden, head, targets).run(result, factor);
    return summed_loss(result.log_probability);
  }
  static variable_list backward(AutogradContext* ctx, const variable_list&) {
    const at::Tensor d_hidden = ctx->saved_data["d_hidden"].toTensor();
    ctx->saved_data.clear();
    return {d_hidden, at::Tensor(), at::Tensor(), at::Tensor(), at::Tensor(), at::Tensor()};
  }
};

TokenLogProbabilities statistics(const at::Tensor& hidden, const Head& head, const at::Tensor& targets) {
  TokenLogProbabilities result{row_values(hidden), row_values(hidden), row_values(hidden)};
  HeadChunks(hidden, head, targets).run(result, at::Tensor());
  return result;
}

struct TokenLogProbability : torch::autograd::Function<TokenLogProbability> {
  static variable_list forward(AutogradContext* ctx, const at::Tensor& hidden, const at::Tensor&, const at::Tensor&, Head head, const at::Tensor& targets) {
    const TokenLogProbabilities result = statistics(hidden, head, targets);
    ctx->save_for_backward({hidden, targets});
    save_parameter(ctx, "weight", head.weight);
    save_parameter(ctx, "bias", head.bias);
    ctx->saved_data["logit_scale"] = head.logit_scale;
    if (head.masked_ids.defined()) ctx->saved_data["masked_ids"] = head.masked_ids;
    ctx->mark_non_differentiable({result.log_sum_exp, result.entropy});
    return {result.log_probability, result.log_sum_exp, result.entropy};
  }
  static variable_list backward(AutogradContext* ctx, const variable_list& gradients) {
    const variable_list saved = ctx->get_saved_variables();
    const auto masked = ctx->saved_data.find("masked_ids");
    const Head head{saved_parameter(ctx, "weight"), saved_parameter(ctx, "bias"), ctx->saved_data["logit_scale"].toDouble(),
                    masked == ctx->saved_data.end() ? at::Tensor() : masked->second.toTensor()};
    TokenLogProbabilities nothing;
    const at::Tensor d_hidden = HeadChunks(saved[0], head, saved[1]).run(nothing, gradients[0].contiguous());
    return {d_hidden, at::Tensor(), at::Tensor(), at::Tensor(), at::Tensor()};
  }
};

// A Function's tensor arguments have to be defined; without a bias the weight stands in its place.
at::Tensor bias_or_weight(const Head& head) { return head.bias != nullptr ? head.bias->value : head.weight->value; }

}  // namespace

at::Tensor next_token_loss(const at::Tensor& hidden, const Head& head, const at::Tensor& targets, double gradient_scale) {
  if (records_gradients()) return NextTokenLoss::apply(hidden, head.weight->value, bias_or_weight(head), head, targets, gradient_scale);
  TokenLogProbabilities result{row_values(hidden), at::Tensor(), at::Tensor()};
  HeadChunks(hidden, head, targets).run(result, at::Tensor());
  return summed_loss(result.log_probability);
}

TokenLogProbabilities token_log_probabilities(const at::Tensor& hidden, const Head& head, const at::Tensor& targets) {
  if (!records_gradients()) return statistics(hidden, head, targets);
  const variable_list outputs = TokenLogProbability::apply(hidden, head.weight->value, bias_or_weight(head), head, targets);
  return {outputs[0], outputs[1], outputs[2]};
}

at::Tensor last_logits(const at::Tensor& hidden, const Head& head) { return whole_logits(hidden, head); }

}  // namespace phidias::kernels
