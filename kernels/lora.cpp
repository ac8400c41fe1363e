#include "kernels/lora.h"

#include <ATen/ops/addmm.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/mm.h>

#include "kernels/autograd.h"
#include "kernels/cuda_backend.h"
#include "kernels/dropout.h"
#include "kernels/skinny.h"

// Legend: T rows of x, n adapted modules of rank r, R = n r; u_TR = dropout(x) A^T, v_TR = scale * dy B.
namespace phidias::kernels {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

// Calls body(module, offset): `offset` is the module's first row in B.
template <typename Body>
void for_modules(const LinearLora& lora, Body body) {
  std::int64_t offset = 0;
  for (std::size_t i = 0; i < lora.modules.size(); ++i) {
    body(static_cast<std::int64_t>(i), offset, lora.modules[i]);
    offset += lora.modules[i].rows;
  }
}

bool drops(const LinearLora& lora, const at::Tensor& draw_keys) { return lora.dropout > 0 && draw_keys.defined(); }

// Worth it when the two products B A (forward and backward) cost less than u B^T and v A: 2 in out < T (in + out).
bool uses_merged_weight(const at::Tensor& x, const Parameter& weight, const LinearLora& lora, const at::Tensor& draw_keys) {
  if (!x.is_cpu() || x.scalar_type() != at::kFloat || weight.value.scalar_type() != at::kFloat || drops(lora, draw_keys)) return false;
  const std::int64_t out = weight.value.size(0), in = weight.value.size(1);
  return 2 * in * out < x.size(0) * (in + out);
}

// W + scale * B A, [out, in].
at::Tensor merged_weight(const Parameter& weight, const LinearLora& lora) {
  const at::Tensor &w = weight.value, &a = lora.a->value, &b = lora.b->value;
  const std::int64_t rank = lora.rank();
  if (lora.modules.size() == 1 && lora.modules[0].rows == w.size(0)) return at::addmm(w, b, a, 1, lora.scale);
  at::Tensor merged = w.detach().clone();
  for_modules(lora, [&](std::int64_t i, std::int64_t offset, const LoraRows& rows) {
    merged.narrow(0, rows.row, rows.rows).addmm_(b.narrow(0, offset, rows.rows), a.narrow(0, i * rank, rank), 1, lora.scale);
  });
  return merged;
}

at::Tensor product(const at::Tensor& x, const at::Tensor& weight, const Parameter* bias) {
  return bias != nullptr ? at::addmm(bias->value, x, weight.t()) : at::mm(x, weight.t());
}

// u, [T, R].
at::Tensor down(const at::Tensor& x, const LinearLora& lora, const at::Tensor& draw_keys) {
  return at::mm(dropout(x, lora.dropout, draw_keys, lora.site), lora.a->value.to(x.scalar_type()).t());
}

// y[:, rows] += scale * u B^T, in place.
void add_up(at::Tensor& y, const at::Tensor& u, const LinearLora& lora) {
  const at::Tensor b = lora.b->value.to(y.scalar_type());
  const std::int64_t rank = lora.rank();
  for_modules(lora, [&](std::int64_t i, std::int64_t offset, const LoraRows& rows) {
    y.narrow(1, rows.row, rows.rows).addmm_(u.narrow(1, i * rank, rank), b.narrow(0, offset, rows.rows).t(), 1, lora.scale);
  });
}

// v [T, R]: scale * dy[:, rows] B, module beside module.
at::Tensor gradient_of_u(const at::Tensor& dy, const LinearLora& lora) {
  const at::Tensor b = lora.b->value.to(dy.scalar_type());
  const std::int64_t rank = lora.rank();
  at::Tensor v = at::empty({dy.size(0), lora.a->value.size(0)}, dy.options());
  for_modules(lora, [&](std::int64_t i, std::int64_t offset, const LoraRows& rows) {
    at::Tensor part = v.narrow(1, i * rank, rank);
    at::mm_out(part, dy.narrow(1, rows.row, rows.rows), b.narrow(0, offset, rows.rows));
  });
  return v.mul_(lora.scale);
}

// gradient (rows of a parameter's) = beta * gradient + left^T right, in float32.
void accumulate_rows(at::Tensor gradient, double beta, const at::Tensor& left, const at::Tensor& right) {
  if (on_cuda(right))
    require_cuda().accumulate_weight_gradient(left, right, gradient, beta);
  else if (right.scalar_type() != at::kFloat)
    beta == 0.0 ? gradient.copy_(at::mm(left.t(), right)) : gradient.add_(at::mm(left.t(), right));
  else if (beta == 0.0)
    at::mm_out(gradient, left.t(), right);
  else
    gradient.addmm_(left.t(), right);
}

void contribute_b(const LinearLora& lora, const at::Tensor& dy, const at::Tensor& u) {
  const at::Tensor scaled = u.mul(lora.scale);
  const std::int64_t rank = lora.rank();
  for_modules(lora, [&](std::int64_t i, std::int64_t offset, const LoraRows& rows) {
    accumulate_rows(lora.b->gradient.narrow(0, offset, rows.rows), lora.b->beta(), dy.narrow(1, rows.row, rows.rows), scaled.narrow(1, i * rank, rank));
  });
  lora.b->contributed();
}

void contribute_bias(Parameter& bias, const at::Tensor& dy) {
  if (!on_cuda(dy)) return contribute(bias, dy.sum(0, false, at::kFloat));
  require_cuda().accumulate_bias_gradient(dy, bias.gradient, bias.beta());
  bias.contributed();
}

struct LinearWithAdapters : torch::autograd::Function<LinearWithAdapters> {
  // The weights are arguments so that backward runs when only they require gradients; the keys come by address, since they may be undefined.
  static at::Tensor forward(AutogradContext* ctx, const at::Tensor& x, const at::Tensor&, const at::Tensor&, const at::Tensor&, const at::Tensor&,
                            Parameter* weight, Parameter* bias, const LinearLora* lora, const at::Tensor* keys) {
    const at::Tensor& draw_keys = *keys;
    save_parameter(ctx, "weight", weight);
    save_parameter(ctx, "bias", bias);
    ctx->saved_data["lora"] = static_cast<std::int64_t>(reinterpret_cast<std::intptr_t>(lora));
    const bool merged = uses_merged_weight(x, *weight, *lora, draw_keys);
    ctx->saved_data["merged"] = merged;
    const bool keeps_x = weight->trainable() || lora->a->trainable() || (merged && lora->b->trainable());
    at::Tensor u, y;
    if (merged) {
      y = product(x, merged_weight(*weight, *lora), bias);
    } else {
      u = down(x, *lora, draw_keys);
      y = product(x, weight->value, bias);
      add_up(y, u, *lora);
    }
    ctx->save_for_backward({keeps_x ? x : at::Tensor(), lora->b->trainable() ? u : at::Tensor(), draw_keys});
    return y;
  }

  static variable_list backward(AutogradContext* ctx, const variable_list& gradients) {
    Parameter& weight = *saved_parameter(ctx, "weight");
    Parameter* bias = saved_parameter(ctx, "bias");
    const auto& lora = *reinterpret_cast<const LinearLora*>(static_cast<std::intptr_t>(ctx->saved_data["lora"].toInt()));
    const bool merged = ctx->saved_data["merged"].toBool(), needs_dx = ctx->needs_input_grad(0);
    const variable_list saved = ctx->get_saved_variables();
    const at::Tensor &x = saved[0], &draw_keys = saved[2];
    const at::Tensor dy = gradients[0].contiguous();

    at::Tensor dx, v;
    if (needs_dx) dx = at::mm(dy, merged ? merged_weight(weight, lora) : weight.value);
    if ((needs_dx && !merged) || lora.a->trainable()) v = gradient_of_u(dy, lora);
    if (needs_dx && !merged) {
      const at::Tensor a = lora.a->value.to(dy.scalar_type());
      // The mask is drawn again: the derivative of dropout is dropout.
      drops(lora, draw_keys) ? dx.add_(dropout(at::mm(v, a), lora.dropout, draw_keys, lora.site)) : dx.addmm_(v, a);
    }
    if (weight.trainable()) contribute_product(weight, dy, x);
    if (bias != nullptr && bias->trainable()) contribute_bias(*bias, dy);
    if (lora.b->trainable()) contribute_b(lora, dy, merged ? down(x, lora, draw_keys) : saved[1]);
    if (lora.a->trainable()) {
      accumulate_rows(lora.a->gradient, lora.a->beta(), v, dropout(x, lora.dropout, draw_keys, lora.site));
      lora.a->contributed();
    }
    return {dx, at::Tensor(), at::Tensor(), at::Tensor(), at::Tensor(), at::Tensor(), at::Tensor(), at::Tensor(), at::Tensor()};
  }
};

}  // namespace

at::Tensor linear_with_adapters(const at::Tensor& x, Parameter& weight, Parameter* bias, const LinearLora& lora, const at::Tensor& draw_keys) {
  if (records_gradients()) {
    return LinearWithAdapters::apply(x, weight.value, bias != nullptr ? bias->value : weight.value, lora.a->value, lora.b->value, &weight, bias, &lora,
                                     &draw_keys);
  }
  if (uses_merged_weight(x, weight, lora, draw_keys)) return product(x, merged_weight(weight, lora), bias);
  const at::Tensor bias_value = bias != nullptr ? bias->value : at::Tensor();
  at::Tensor y = fits_skinny(x, weight.value, bias_value) ? skinny_product(x, weight.value, bias_value, x.scalar_type()) : product(x, weight.value, bias);
  add_up(y, down(x, lora, draw_keys), lora);
  return y;
}

}  // namespace phidias::kernels
