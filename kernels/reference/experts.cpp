#include "kernels/reference/experts.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/linear.h>
#include <ATen/ops/maximum.h>
#include <ATen/ops/softmax.h>
#include <ATen/ops/stack.h>
#include <ATen/ops/where.h>
#include <ATen/ops/zeros_like.h>

#include <limits>

#include "kernels/draws.h"
#include "kernels/reference/reference.h"

namespace phidias::kernels::reference {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

at::ScalarType wide_type(const at::Tensor& x) { return x.scalar_type() == at::kDouble ? at::kDouble : at::kFloat; }

// One choice: `scores` with the excluded expert at -infinity, `size` = |scores| without exclusion.
std::pair<at::Tensor, at::Tensor> choose(const at::Tensor& scores, const at::Tensor& size, double epsilon, const at::Tensor& uniforms,
                                         const at::Tensor& midpoints) {
  const auto [largest, best] = scores.detach().max(-1, true);
  const at::Tensor removed = ((largest - scores.detach()) / at::maximum(size.detach(), largest)).gt(2 * epsilon);
  const at::Tensor left = scores.masked_fill(removed, -kInfinity), gates = at::softmax(left, -1);
  if (!uniforms.defined()) return {best, gates.gather(-1, best)};
  const at::Tensor noise = uniforms.to(scores.scalar_type()).log().neg().log();
  const at::Tensor chosen = std::get<1>((left.detach() - noise).max(-1, true)), weight = gates.gather(-1, chosen);
  const at::Tensor whole = chosen.eq(best).logical_or(midpoints.unsqueeze(-1).gt(0.75));
  // The value is scaled, its gradient is not.
  return {chosen, weight + (weight * at::where(whole, 1.0, 0.3333) - weight).detach()};
}

}  // namespace

std::pair<at::Tensor, at::Tensor> layer_norm(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias, double eps) {
  const at::ScalarType type = wide_type(x);
  const at::Tensor wide = x.to(type), mean = wide.mean(-1, true), centred = wide - mean, rstd = (centred.square().mean(-1, true) + eps).rsqrt();
  const at::Tensor y = (centred * rstd * weight.to(type) + bias.to(type)).to(x.scalar_type());
  return {y, at::stack({mean.squeeze(-1), rstd.squeeze(-1)}, -1)};
}

std::tuple<at::Tensor, at::Tensor, at::Tensor> layer_norm_backward(const at::Tensor& dy, const at::Tensor& x, const at::Tensor& weight,
                                                                   const at::Tensor& statistics) {
  const at::ScalarType type = wide_type(x);
  const at::Tensor mean = statistics.narrow(-1, 0, 1), rstd = statistics.narrow(-1, 1, 1);
  const at::Tensor normalised = (x.to(type) - mean) * rstd, wide = dy.to(type), g = wide * weight.to(type);
  const at::Tensor dx = rstd * (g - g.mean(-1, true) - normalised * (g * normalised).mean(-1, true));
  return {dx.to(x.scalar_type()), (wide * normalised).sum(0), wide.sum(0)};
}

at::Tensor uniforms(const at::Tensor& draw_keys, std::uint64_t site, std::int64_t width) {
  const at::Tensor keys = draw_keys.cpu().contiguous(), out = at::empty({keys.numel(), width}, at::kFloat);
  for (std::int64_t t = 0; t < keys.numel(); ++t) {
    for (std::int64_t i = 0; i < width; ++i) {
      const PhiloxBlock block = draw_block(static_cast<std::uint64_t>(keys.const_data_ptr<std::int64_t>()[t]), site, static_cast<std::uint32_t>(i / 4));
      out.mutable_data_ptr<float>()[t * width + i] = open_uniform(block[static_cast<std::size_t>(i % 4)]);
    }
  }
  return out;
}

RouterDraws router_draws(const at::Tensor& draw_keys, std::uint64_t layer, std::int64_t experts) {
  std::vector<at::Tensor> choices, midpoints;
  const std::int64_t midpoint = (experts + 3) / 4 * 4;
  for (std::uint64_t slot = 0; slot < 2; ++slot) {
    const at::Tensor drawn = uniforms(draw_keys, draw_site(RandomSite::expert_sampling, layer, slot), midpoint + 1);
    choices.push_back(drawn.narrow(1, 0, experts));
    midpoints.push_back(drawn.select(1, midpoint));
  }
  return {at::stack(choices, 1), at::stack(midpoints, 1)};
}

Routing sparse_mixer(const at::Tensor& scores, double epsilon, const RouterDraws& draws) {
  const bool drawn = draws.choices.defined();
  const at::Tensor size = scores.abs();
  const auto uniforms_of = [&](std::int64_t slot) { return drawn ? draws.choices.select(1, slot) : at::Tensor(); };
  const auto midpoints_of = [&](std::int64_t slot) { return drawn ? draws.midpoints.select(1, slot) : at::Tensor(); };
  const auto [first, first_weight] = choose(scores, size, epsilon, uniforms_of(0), midpoints_of(0));
  const auto [second, second_weight] = choose(scores.scatter(-1, first, -kInfinity), size, epsilon, uniforms_of(1), midpoints_of(1));
  return {at::stack({first.squeeze(-1), second.squeeze(-1)}, -1), at::stack({first_weight.squeeze(-1), second_weight.squeeze(-1)}, -1)};
}

at::Tensor expert_mlp(const at::Tensor& x, const at::Tensor& experts, const at::Tensor& weights, const at::Tensor& gate_up, const at::Tensor& down) {
  at::Tensor y = at::zeros_like(x);
  for (std::int64_t e = 0; e < gate_up.size(0); ++e) {
    // Every token goes through every expert; the others' weights are zero.
    const at::Tensor weight = (weights * experts.eq(e).to(weights.scalar_type())).sum(-1, true).to(x.scalar_type());
    y = y + weight * at::linear(swiglu(at::linear(x, gate_up.select(0, e))), down.select(0, e));
  }
  return y;
}

}  // namespace phidias::kernels::reference
