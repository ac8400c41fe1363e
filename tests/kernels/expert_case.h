// A mixture of experts as the tests of expert_mlp.h use it: inputs, parameters, and the slow twin's answer in double precision.
#pragma once

#include <ATen/ops/ones_like.h>
#include <ATen/ops/stack.h>

#include "kernels/draws.h"
#include "kernels/expert_mlp.h"
#include "kernels/reference/experts.h"
#include "tests/kernels/support.h"

namespace phidias::kernels::testing {

struct ExpertSizes {
  std::int64_t tokens, hidden, inner, experts;
};

// Two different experts per token; of `experts`, those from `used` on get no token (used >= 2).
inline at::Tensor choose_experts(std::int64_t tokens, std::int64_t used, std::uint64_t seed = 21) {
  const at::Tensor chosen = at::empty({tokens, 2}, at::kLong);
  const PhiloxKey key = philox_key(seed, RandomSite::task_generator);
  for (std::int64_t t = 0; t < tokens; ++t) {
    const auto count = static_cast<std::uint32_t>(used);
    const std::uint32_t first = philox_uint32(key, static_cast<std::uint64_t>(2 * t)) % count;
    const std::uint32_t other = philox_uint32(key, static_cast<std::uint64_t>(2 * t + 1)) % (count - 1);
    chosen.mutable_data_ptr<std::int64_t>()[2 * t] = first;
    chosen.mutable_data_ptr<std::int64_t>()[2 * t + 1] = other + (other >= first ? 1 : 0);
  }
  return chosen;
}

struct ExpertCase {
  explicit ExpertCase(const ExpertSizes& s, std::int64_t used = 0)
      : sizes(s),
        x(random_tensor({s.tokens, s.hidden}, 1)),
        weights(random_tensor({s.tokens, 2}, 2).abs().add(0.1)),
        dy(random_tensor({s.tokens, s.hidden}, 3)),
        chosen(choose_experts(s.tokens, used == 0 ? s.experts : used)),
        gate_up(random_tensor({s.experts, 2 * s.inner, s.hidden}, 4, 0.3)),
        down(random_tensor({s.experts, s.hidden, s.inner}, 5, 0.3)) {}

  ExpertSizes sizes;
  at::Tensor x, weights, dy, chosen, gate_up, down;
};

struct ExpertResult {
  at::Tensor y, dx, d_weights, d_gate_up, d_down;
};

// All experts of the case on one rank, in the given type.
inline ExpertResult run_case(const ExpertCase& c, at::ScalarType type) {
  Parameter gate_up = make_parameter("gate_up_proj", c.gate_up.to(type)), down = make_parameter("down_proj", c.down.to(type));
  const at::Tensor x = c.x.to(type, false, true).requires_grad_(true), weights = c.weights.clone().requires_grad_(true);
  const at::Tensor y = expert_mlp(x, c.chosen, weights, {c.sizes.experts, &gate_up, &down, nullptr, {}}, {});
  const auto gradients = torch::autograd::grad({y}, {x, weights}, {c.dy.to(type)});
  return {y.detach(), gradients[0], gradients[1], gate_up.gradient, down.gradient};
}

inline ExpertResult exact_result(const ExpertCase& c, at::ScalarType rounded_to = at::kFloat) {
  const auto leaf = [&](const at::Tensor& t) { return t.to(rounded_to).to(at::kDouble, false, true).requires_grad_(true); };
  const at::Tensor x = leaf(c.x), gate_up = leaf(c.gate_up), down = leaf(c.down), weights = c.weights.to(at::kDouble, false, true).requires_grad_(true);
  const at::Tensor y = reference::expert_mlp(x, c.chosen, weights, gate_up, down);
  const auto g = torch::autograd::grad({y}, {x, weights, gate_up, down}, {c.dy.to(rounded_to).to(at::kDouble)});
  return {y.detach(), g[0], g[1], g[2], g[3]};
}

inline at::Tensor draw_keys_of(std::int64_t tokens, std::int64_t first = 0) {
  const at::Tensor keys = at::empty({tokens}, at::kLong);
  for (std::int64_t t = 0; t < tokens; ++t) keys.mutable_data_ptr<std::int64_t>()[t] = static_cast<std::int64_t>(draw_key(5, 1, 2, first + t));
  return keys;
}

}  // namespace phidias::kernels::testing
