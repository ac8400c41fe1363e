#include "kernels/token_choice.h"

#include <ATen/ops/argmax.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/gather.h>
#include <ATen/ops/logsumexp.h>

#include <algorithm>

#include "kernels/cpu/dispatch.h"

namespace phidias::kernels {
namespace {

bool fits_cpu(const at::Tensor& logits) { return cpu::covers({logits}) && logits.scalar_type() == at::kFloat && logits.size(1) > 0; }

int team_size(const at::Tensor& logits) {
  return static_cast<int>(std::min<std::int64_t>(cpu::team_size(logits.numel()), std::max<std::int64_t>(logits.size(0), 1)));
}

}  // namespace

at::Tensor likeliest_tokens(const at::Tensor& logits) {
  if (!fits_cpu(logits)) return at::argmax(logits, 1);
  const at::Tensor tokens = at::empty({logits.size(0)}, at::kLong);
  cpu::kernels().likeliest(logits.const_data_ptr<float>(), tokens.mutable_data_ptr<std::int64_t>(), logits.size(0), logits.size(1), team_size(logits));
  return tokens;
}

at::Tensor log_probabilities(const at::Tensor& logits, const at::Tensor& tokens) {
  if (!fits_cpu(logits)) return at::gather(logits, 1, tokens.unsqueeze(1)).squeeze(1).sub(at::logsumexp(logits, at::IntArrayRef{1}));
  const at::Tensor values = at::empty({logits.size(0)}, logits.options()), dense = tokens.contiguous();
  // Without a gradient's factor, a bias and a scale the kernel only reads the logits.
  cpu::kernels_for(at::kFloat)
      .softmax_rows(const_cast<float*>(logits.const_data_ptr<float>()), nullptr, 1.0f, dense.const_data_ptr<std::int64_t>(), nullptr,
                    values.mutable_data_ptr<float>(), nullptr, nullptr, logits.size(0), logits.size(1), team_size(logits));
  return values;
}

}  // namespace phidias::kernels
