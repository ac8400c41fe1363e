#include "kernels/drawn_factor.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/empty_like.h>
#include <ATen/ops/where.h>

#include <bit>

#include "kernels/autograd.h"
#include "kernels/cpu/dispatch.h"
#include "kernels/cuda_backend.h"
#include "kernels/reference/experts.h"

namespace phidias::kernels {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

struct TimesDrawnFactor : torch::autograd::Function<TimesDrawnFactor> {
  static at::Tensor forward(AutogradContext* ctx, const at::Tensor& x, const at::Tensor& draw_keys, const DrawnFactor& factor) {
    ctx->save_for_backward({draw_keys});
    ctx->saved_data["site"] = std::bit_cast<std::int64_t>(factor.site);
    ctx->saved_data["drop"] = static_cast<double>(factor.drop);
    ctx->saved_data["base"] = static_cast<double>(factor.base);
    ctx->saved_data["span"] = static_cast<double>(factor.span);
    return apply_drawn_factor(x, draw_keys, factor);
  }

  static variable_list backward(AutogradContext* ctx, const variable_list& gradients) {
    const auto number = [&](const char* name) { return static_cast<float>(ctx->saved_data[name].toDouble()); };
    const DrawnFactor factor{std::bit_cast<std::uint64_t>(ctx->saved_data["site"].toInt()), number("drop"), number("base"), number("span")};
    return {apply_drawn_factor(gradients[0], ctx->get_saved_variables()[0], factor), at::Tensor(), at::Tensor()};
  }
};

}  // namespace

at::Tensor apply_drawn_factor(const at::Tensor& x_in, const at::Tensor& draw_keys, const DrawnFactor& factor) {
  const at::Tensor x = x_in.contiguous();
  TORCH_CHECK(x.dim() == 2 && draw_keys.numel() == x.size(0) && draw_keys.scalar_type() == at::kLong, "drawn factor: ", draw_keys.numel(), " keys for ",
              x.sizes());
  at::Tensor y = at::empty_like(x);
  if (on_cuda(x)) {
    require_cuda().drawn_factor(x, draw_keys, factor, y);
  } else if (cpu::covers({x})) {
    // Ten rounds per four elements: some nanoseconds each.
    cpu::kernels_for(x.scalar_type())
        .drawn_factor(x.const_data_ptr(), draw_keys.contiguous().const_data_ptr<std::int64_t>(), factor, y.mutable_data_ptr(), x.size(0), x.size(1),
                      cpu::team_size(4 * x.numel()));
  } else {
    const at::Tensor u = reference::uniforms(draw_keys, factor.site, x.size(1)).to(x.device());
    y = x * at::where(u.ge(factor.drop), u * factor.span + factor.base, 0.0).to(x.scalar_type());
  }
  return y;
}

at::Tensor times_drawn_factor(const at::Tensor& x, const at::Tensor& draw_keys, const DrawnFactor& factor) {
  return records_gradients() ? TimesDrawnFactor::apply(x, draw_keys, factor) : apply_drawn_factor(x, draw_keys, factor);
}

}  // namespace phidias::kernels
