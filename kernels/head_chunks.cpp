#include "kernels/head_chunks.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/empty_like.h>
#include <ATen/ops/mm.h>
#include <ATen/ops/zeros_like.h>

#include <algorithm>
#include <limits>

#include "base/error.h"
#include "kernels/autograd.h"
#include "kernels/cpu/dispatch.h"
#include "kernels/cuda_backend.h"
#include "kernels/head_chunks_cuda.h"
#include "kernels/reference/reference.h"
#include "kernels/skinny.h"

namespace phidias::kernels {
namespace {

constexpr std::int64_t kChunkRows = 512;
constexpr double kMaskedLogit = std::numeric_limits<float>::lowest();

float* float_data(const at::Tensor& t) { return t.defined() ? t.mutable_data_ptr<float>() : nullptr; }

void check_targets(const at::Tensor& targets, std::int64_t vocab) {
  if (!targets.is_cpu()) return;
  const std::int64_t* first = targets.const_data_ptr<std::int64_t>();
  const std::int64_t* wrong = std::find_if(first, first + targets.numel(), [vocab](std::int64_t id) { return id >= vocab; });
  if (wrong == first + targets.numel()) return;
  throw DataError("target id " + std::to_string(*wrong) + " is outside the vocabulary of " + std::to_string(vocab) +
                  ": the tokenizer does not belong to this model");
}

}  // namespace

HeadChunks::HeadChunks(const at::Tensor& hidden, const Head& head, const at::Tensor& targets)
    : hidden_(hidden.contiguous()), targets_(targets.contiguous()), head_(head) {
  check_targets(targets_, head.weight->value.size(0));
  rows_ = targets_.ge(0).nonzero().squeeze(1);
  all_rows_ = rows_.numel() == targets_.numel();
  chunk_rows_ = on_cuda(hidden_) ? cuda_chunk_rows(head.weight->value.size(0)) : kChunkRows;
  fast_ = cpu::covers({hidden_, head.weight->value, head.bias != nullptr ? head.bias->value : hidden_});
  if (fast_) logits_ = at::empty({std::min(kChunkRows, rows_.numel()), head.weight->value.size(0)}, hidden_.options());
}

at::Tensor HeadChunks::select(const at::Tensor& rows, std::int64_t begin, std::int64_t count) const {
  if (!rows.defined()) return rows;
  return all_rows_ ? rows.narrow(0, begin, count) : rows.index_select(0, rows_.narrow(0, begin, count));
}

void HeadChunks::put(const at::Tensor& target, const at::Tensor& values, std::int64_t begin) const {
  if (!target.defined()) return;
  if (all_rows_)
    target.narrow(0, begin, values.size(0)).copy_(values);
  else
    target.index_copy_(0, rows_.narrow(0, begin, values.size(0)), values);
}

// Fills `statistics` ([R] each, where defined) and returns d logits when `factor` is defined.
at::Tensor HeadChunks::chunk(const at::Tensor& x, const at::Tensor& y, const at::Tensor& factor, TokenLogProbabilities& statistics) {
  if (on_cuda(x)) return cuda_head_chunk(x, head_, y, factor, statistics);
  if (!fast_) {
    const at::Tensor logits = whole_logits(x, head_);
    const reference::RowStatistics rows = reference::row_statistics(logits, y);
    statistics = {rows.log_probability, rows.log_sum_exp, rows.entropy};
    at::Tensor d_logits = factor.defined() ? reference::row_gradient(logits, y, factor * head_.logit_scale).to(x.scalar_type()) : at::Tensor();
    settle_masked(head_, d_logits, statistics.log_probability);
    return d_logits;
  }
  at::Tensor logits = logits_.narrow(0, 0, x.size(0));
  at::mm_out(logits, x, head_.weight->value.t());
  mask_logits(head_, logits);
  const at::Tensor scaled = factor.defined() && head_.logit_scale != 1.0 ? factor * head_.logit_scale : factor;
  cpu::kernels_for(x.scalar_type())
      .softmax_rows(logits.mutable_data_ptr(), head_.bias != nullptr ? head_.bias->value.const_data_ptr() : nullptr, static_cast<float>(head_.logit_scale),
                    y.const_data_ptr<std::int64_t>(), scaled.defined() ? scaled.const_data_ptr<float>() : nullptr, float_data(statistics.log_probability),
                    float_data(statistics.log_sum_exp), float_data(statistics.entropy), x.size(0), logits.size(1), cpu::team_size(logits.numel()));
  if (!factor.defined()) logits = at::Tensor();
  settle_masked(head_, logits, statistics.log_probability);
  return logits;
}

void HeadChunks::contribute_chunk(const at::Tensor& d_logits, const at::Tensor& x) {
  if (head_.weight->trainable()) {
    accumulate_product(*head_.weight, d_logits, x);
    head_.weight->has_gradient = true;  // later chunks add
  }
  if (head_.bias != nullptr && head_.bias->trainable()) {
    accumulate(*head_.bias, d_logits.sum(0, false, at::kFloat));
    head_.bias->has_gradient = true;
  }
}

at::Tensor HeadChunks::run(TokenLogProbabilities& result, const at::Tensor& factor) {
  const at::NoGradGuard no_grad;
  at::Tensor d_hidden;
  if (factor.defined()) d_hidden = all_rows_ ? at::empty_like(hidden_) : at::zeros_like(hidden_);
  const auto rows_like = [&](const at::Tensor& t, std::int64_t count) { return t.defined() ? at::empty({count}, t.options()) : at::Tensor(); };
  for (std::int64_t begin = 0; begin < rows_.numel(); begin += chunk_rows_) {
    const std::int64_t count = std::min(chunk_rows_, rows_.numel() - begin);
    const at::Tensor x = select(hidden_, begin, count);
    TokenLogProbabilities part{rows_like(result.log_probability, count), rows_like(result.log_sum_exp, count), rows_like(result.entropy, count)};
    const at::Tensor d_logits = chunk(x, select(targets_, begin, count), select(factor, begin, count), part);
    put(result.log_probability, part.log_probability, begin);
    put(result.log_sum_exp, part.log_sum_exp, begin);
    put(result.entropy, part.entropy, begin);
    if (!factor.defined()) continue;
    contribute_chunk(d_logits, x);
    if (all_rows_) {
      at::Tensor target = d_hidden.narrow(0, begin, count);
      at::mm_out(target, d_logits, head_.weight->value);
    } else {
      put(d_hidden, at::mm(d_logits, head_.weight->value), begin);
    }
  }
  if (!factor.defined()) return d_hidden;
  for (Parameter* parameter : {head_.weight, head_.bias}) {
    if (parameter == nullptr || !parameter->trainable()) continue;
    if (!parameter->has_gradient) parameter->gradient.zero_();  // a stream without targets contributes zeros
    parameter->contributed();
  }
  return d_hidden;
}

void mask_logits(const Head& head, at::Tensor& logits) {
  if (head.masked_ids.defined()) logits.index_fill_(1, head.masked_ids, -std::numeric_limits<double>::infinity());
}

void settle_masked(const Head& head, at::Tensor& d_logits, at::Tensor& log_probability) {
  if (!head.masked_ids.defined()) return;
  if (d_logits.defined()) d_logits.index_fill_(1, head.masked_ids, 0.0);
  if (log_probability.defined()) log_probability.clamp_min_(kMaskedLogit);
}

at::Tensor whole_logits(const at::Tensor& hidden, const Head& head) {
  const at::NoGradGuard no_grad;
  const at::Tensor bias = head.bias != nullptr ? head.bias->value : at::Tensor();
  at::Tensor logits;
  if (on_cuda(hidden)) {
    logits = cuda_logits(hidden, head);
  } else if (fits_skinny(hidden, head.weight->value, bias)) {
    logits = skinny_product(hidden, head.weight->value, bias, at::kFloat);
  } else {
    const at::ScalarType type = hidden.scalar_type() == at::kDouble ? at::kDouble : at::kFloat;
    logits = at::mm(hidden, head.weight->value.t()).to(type);
    if (bias.defined()) logits.add_(bias);
  }
  if (head.logit_scale != 1.0) logits.mul_(head.logit_scale);
  if (head.masked_ids.defined()) logits.index_fill_(1, head.masked_ids, kMaskedLogit);
  return logits;
}

}  // namespace phidias::kernels
