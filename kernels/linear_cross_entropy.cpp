#include "kernels/linear_cross_entropy.h"

#include <ATen/ops/empty.h>
#include <ATen/ops/mm.h>
#include <ATen/ops/zeros.h>

#include <algorithm>

#include "kernels/autograd.h"
#include "kernels/reference/reference.h"

namespace phidias::kernels {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

constexpr std::int64_t kChunkRows = 512;

at::Tensor chunk_logits(const at::Tensor& hidden, const Head& head) {
  at::Tensor logits = at::mm(hidden, head.weight->value.t()).to(at::kFloat);
  if (head.bias != nullptr) logits.add_(head.bias->value);
  return head.logit_scale == 1.0 ? logits : logits.mul_(head.logit_scale);
}

// Gradients of one chunk: returns d hidden, adds d weight and d bias to the parameters' buffers (later chunks add).
at::Tensor chunk_backward(const at::Tensor& hidden, const Head& head, at::Tensor d_logits) {
  if (head.logit_scale != 1.0) d_logits.mul_(head.logit_scale);
  if (head.bias != nullptr && head.bias->trainable()) {
    const at::Tensor d_bias = d_logits.sum(0);
    if (head.bias->has_gradient) head.bias->gradient.add_(d_bias);
    else head.bias->gradient.copy_(d_bias);
    head.bias->has_gradient = true;
  }
  d_logits = d_logits.to(hidden.scalar_type());
  if (head.weight->trainable()) {
    accumulate_product(*head.weight, d_logits, hidden);
    head.weight->has_gradient = true;
  }
  return at::mm(d_logits, head.weight->value);
}

// A stream without targets contributes zeros.
void report(const Head& head) {
  for (Parameter* parameter : {head.weight, head.bias}) {
    if (parameter == nullptr || !parameter->trainable()) continue;
    if (!parameter->has_gradient) parameter->gradient.zero_();
    parameter->contributed();
  }
}

std::pair<at::Tensor, at::Tensor> loss_and_gradient(const at::Tensor& hidden, const Head& head, const at::Tensor& targets, double gradient_scale, bool gradient) {
  const at::NoGradGuard no_grad;
  const at::Tensor rows = targets.ge(0).nonzero().squeeze(1);
  at::Tensor loss = at::zeros({}, hidden.options().dtype(at::kFloat)), d_hidden;
  if (gradient) d_hidden = at::zeros(hidden.sizes(), hidden.options());
  for (std::int64_t begin = 0; begin < rows.numel(); begin += kChunkRows) {
    const at::Tensor chunk = rows.narrow(0, begin, std::min(kChunkRows, rows.numel() - begin));
    const at::Tensor x = hidden.index_select(0, chunk), y = targets.index_select(0, chunk);
    const at::Tensor logits = chunk_logits(x, head);
    loss.sub_(reference::row_statistics(logits, y).log_probability.sum());
    if (!gradient) continue;
    const at::Tensor factor = at::empty({y.numel()}, logits.options()).fill_(-gradient_scale);
    d_hidden.index_copy_(0, chunk, chunk_backward(x, head, reference::row_gradient(logits, y, factor)));
  }
  if (gradient) report(head);
  return {loss, d_hidden};
}

struct NextTokenLoss : torch::autograd::Function<NextTokenLoss> {
  static at::Tensor forward(AutogradContext* ctx, const at::Tensor& hidden, const at::Tensor&, const at::Tensor&, Head head, const at::Tensor& targets,
                            double gradient_scale) {
    auto [loss, d_hidden] = loss_and_gradient(hidden, head, targets, gradient_scale, true);
    ctx->saved_data["d_hidden"] = d_hidden;
    return loss;
  }
  static variable_list backward(AutogradContext* ctx, const variable_list&) {
    const at::Tensor d_hidden = ctx->saved_data["d_hidden"].toTensor();
    ctx->saved_data.clear();
    return {d_hidden, at::Tensor(), at::Tensor(), at::Tensor(), at::Tensor(), at::Tensor()};
  }
};

TokenLogProbabilities statistics(const at::Tensor& hidden, const Head& head, const at::Tensor& targets) {
  const at::NoGradGuard no_grad;
  const auto options = hidden.options().dtype(at::kFloat);
  TokenLogProbabilities result{at::zeros({hidden.size(0)}, options), at::zeros({hidden.size(0)}, options), at::zeros({hidden.size(0)}, options)};
  const at::Tensor rows = targets.ge(0).nonzero().squeeze(1);
  for (std::int64_t begin = 0; begin < rows.numel(); begin += kChunkRows) {
    const at::Tensor chunk = rows.narrow(0, begin, std::min(kChunkRows, rows.numel() - begin));
    const auto part = reference::row_statistics(chunk_logits(hidden.index_select(0, chunk), head), targets.index_select(0, chunk));
    result.log_probability.index_copy_(0, chunk, part.log_probability);
    result.log_sum_exp.index_copy_(0, chunk, part.log_sum_exp);
    result.entropy.index_copy_(0, chunk, part.entropy);
  }
  return result;
}

Head saved_head(AutogradContext* ctx) {
  return {saved_parameter(ctx, "weight"), saved_parameter(ctx, "bias"), ctx->saved_data["logit_scale"].toDouble()};
}

struct TokenLogProbability : torch::autograd::Function<TokenLogProbability> {
  static variable_list forward(AutogradContext* ctx, const at::Tensor& hidden, const at::Tensor&, const at::Tensor&, Head head, const at::Tensor& targets) {
    TokenLogProbabilities result = statistics(hidden, head, targets);
    ctx->save_for_backward({hidden, targets});
    save_parameter(ctx, "weight", head.weight);
    save_parameter(ctx, "bias", head.bias);
    ctx->saved_data["logit_scale"] = head.logit_scale;
    ctx->mark_non_differentiable({result.log_sum_exp, result.entropy});
    return {result.log_probability, result.log_sum_exp, result.entropy};
  }
  static variable_list backward(AutogradContext* ctx, const variable_list& gradients) {
    const variable_list saved = ctx->get_saved_variables();
    const at::Tensor &hidden = saved[0], &targets = saved[1];
    const Head head = saved_head(ctx);
    const at::Tensor rows = targets.ge(0).nonzero().squeeze(1), d_hidden = at::zeros(hidden.sizes(), hidden.options());
    for (std::int64_t begin = 0; begin < rows.numel(); begin += kChunkRows) {
      const at::Tensor chunk = rows.narrow(0, begin, std::min(kChunkRows, rows.numel() - begin));
      const at::Tensor x = hidden.index_select(0, chunk);
      const at::Tensor d_logits = reference::row_gradient(chunk_logits(x, head), targets.index_select(0, chunk), gradients[0].index_select(0, chunk));
      d_hidden.index_copy_(0, chunk, chunk_backward(x, head, d_logits));
    }
    report(head);
    return {d_hidden, at::Tensor(), at::Tensor(), at::Tensor(), at::Tensor()};
  }
};

// A Function's tensor arguments have to be defined; without a bias the weight stands in its place.
at::Tensor bias_or_weight(const Head& head) { return head.bias != nullptr ? head.bias->value : head.weight->value; }

}  // namespace

at::Tensor next_token_loss(const at::Tensor& hidden, const Head& head, const at::Tensor& targets, double gradient_scale) {
  if (!records_gradients()) return loss_and_gradient(hidden, head, targets, gradient_scale, false).first;
  return NextTokenLoss::apply(hidden, head.weight->value, bias_or_weight(head), head, targets, gradient_scale);
}

TokenLogProbabilities token_log_probabilities(const at::Tensor& hidden, const Head& head, const at::Tensor& targets) {
  if (!records_gradients()) return statistics(hidden, head, targets);
  const variable_list outputs = TokenLogProbability::apply(hidden, head.weight->value, bias_or_weight(head), head, targets);
  return {outputs[0], outputs[1], outputs[2]};
}

at::Tensor last_logits(const at::Tensor& hidden, const Head& head) {
  const at::NoGradGuard no_grad;
  return chunk_logits(hidden, head);
}

}  // namespace phidias::kernels
