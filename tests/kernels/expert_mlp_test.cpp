// The experts on one rank: outputs and gradients against the slow twin in double, experts and batches without tokens, accumulation, frozen weights,
// adapters.
#include "kernels/expert_mlp.h"

#include <ATen/core/grad_mode.h>
#include <ATen/ops/linear.h>
#include <ATen/ops/where.h>
#include <ATen/ops/zeros_like.h>

#include "kernels/reference/reference.h"
#include "tests/kernels/expert_case.h"

namespace phidias::kernels {
namespace {

using testing::bit_equal;
using testing::exact_result;
using testing::ExpertCase;
using testing::ExpertResult;
using testing::ExpertSizes;
using testing::kFloatTolerance;
using testing::make_frozen;
using testing::make_parameter;
using testing::random_tensor;
using testing::relative_error;
using testing::run_case;

struct Adapters {
  Adapters(const ExpertSizes& s, std::int64_t rank, bool gate, bool up, bool down_too, double dropout) {
    const auto parameter = [](const std::vector<std::int64_t>& shape, std::uint64_t seed) {
      return make_parameter("adapter", random_tensor(shape, seed, 0.3));
    };
    all = {parameter({s.experts, rank, s.hidden}, 31), parameter({s.experts, s.inner, rank}, 32), parameter({s.experts, rank, s.hidden}, 33),
           parameter({s.experts, s.inner, rank}, 34),  parameter({s.experts, rank, s.inner}, 35), parameter({s.experts, s.hidden, rank}, 36)};
    lora.scale = 1.7;
    lora.dropout = dropout;
    lora.site = draw_site(RandomSite::dropout, 3, 100);
    if (gate) lora.gate_a = &all[0], lora.gate_b = &all[1];
    if (up) lora.up_a = &all[2], lora.up_b = &all[3];
    if (down_too) lora.down_a = &all[4], lora.down_b = &all[5];
  }
  Adapters(const Adapters&) = delete;
  Adapters& operator=(const Adapters&) = delete;
  std::vector<Parameter> all;
  ExpertLora lora;
};

class ExpertMlps : public ::testing::TestWithParam<ExpertSizes> {};

TEST_P(ExpertMlps, OutputAndEveryGradientEqualDouble) {
  const ExpertCase c(GetParam());
  const ExpertResult actual = run_case(c, at::kFloat), exact = exact_result(c);
  EXPECT_LT(relative_error(actual.y, exact.y), kFloatTolerance);
  EXPECT_LT(relative_error(actual.dx, exact.dx), kFloatTolerance);
  EXPECT_LT(relative_error(actual.d_weights, exact.d_weights), kFloatTolerance);
  EXPECT_LT(relative_error(actual.d_gate_up, exact.d_gate_up), kFloatTolerance);
  EXPECT_LT(relative_error(actual.d_down, exact.d_down), kFloatTolerance);
}

// bfloat16: three roundings in a row of an entry's own size, and what sums of entries rounded alike keep, relative to their root mean square.
constexpr double kOwnRounding = 3 * testing::kBfloat16Rounding, kBFloat16Tolerance = 0.06;

TEST_P(ExpertMlps, BFloat16StaysWithinItsRounding) {
  const ExpertCase c(GetParam());
  const ExpertResult actual = run_case(c, at::kBFloat16), exact = exact_result(c, at::kBFloat16);
  EXPECT_LT(relative_error(actual.y, exact.y, kOwnRounding), kBFloat16Tolerance);
  EXPECT_LT(relative_error(actual.dx, exact.dx, kOwnRounding), kBFloat16Tolerance);
  EXPECT_LT(relative_error(actual.d_weights, exact.d_weights, kOwnRounding), kBFloat16Tolerance);
  EXPECT_LT(relative_error(actual.d_gate_up, exact.d_gate_up, kOwnRounding), kBFloat16Tolerance);
  EXPECT_LT(relative_error(actual.d_down, exact.d_down, kOwnRounding), kBFloat16Tolerance);
}

TEST_P(ExpertMlps, TwiceGivesTheSameBits) {
  const ExpertCase c(GetParam());
  const ExpertResult first = run_case(c, at::kFloat), second = run_case(c, at::kFloat);
  EXPECT_TRUE(bit_equal(first.y, second.y));
  EXPECT_TRUE(bit_equal(first.dx, second.dx));
  EXPECT_TRUE(bit_equal(first.d_gate_up, second.d_gate_up));
  EXPECT_TRUE(bit_equal(first.d_down, second.d_down));
}

INSTANTIATE_TEST_SUITE_P(All, ExpertMlps,
                         ::testing::Values(ExpertSizes{1, 8, 12, 2}, ExpertSizes{7, 5, 3, 4}, ExpertSizes{300, 64, 40, 16}, ExpertSizes{50, 33, 17, 64},
                                           ExpertSizes{0, 8, 12, 4}),
                         [](const auto& info) { return std::to_string(info.param.tokens) + "_tokens_" + std::to_string(info.param.experts) + "_experts"; });

TEST(ExpertMlp, ExpertsWithoutTokensGetTheGradientZeroAndLaterOnesAreAdded) {
  const ExpertCase c({40, 16, 12, 8}, /*used=*/3);
  Parameter gate_up = make_parameter("gate_up", c.gate_up), down = make_parameter("down", c.down);
  at::Tensor first_up, first_down;
  for (int pass = 0; pass < 2; ++pass) {
    const at::Tensor x = c.x.clone().requires_grad_(true);
    torch::autograd::grad({expert_mlp(x, c.chosen, c.weights, {8, &gate_up, &down, nullptr, {}}, {})}, {x}, {c.dy});
    if (pass == 0) {
      first_up = gate_up.gradient.clone();
      first_down = down.gradient.clone();
    }
  }
  EXPECT_EQ(first_up.narrow(0, 3, 5).count_nonzero().item<std::int64_t>(), 0);
  EXPECT_EQ(first_down.narrow(0, 3, 5).count_nonzero().item<std::int64_t>(), 0);
  EXPECT_LT(relative_error(first_up, exact_result(c).d_gate_up), kFloatTolerance);
  EXPECT_LT(relative_error(gate_up.gradient, first_up * 2), kFloatTolerance);
  EXPECT_LT(relative_error(down.gradient, first_down * 2), kFloatTolerance);
}

TEST(ExpertMlp, BackwardUsesTheWeightsBoundThen) {
  const ExpertCase c({40, 16, 12, 4});
  Parameter gate_up = make_parameter("gate_up", c.gate_up), down = make_parameter("down", c.down);
  const at::Tensor x = c.x.clone().requires_grad_(true), y = expert_mlp(x, c.chosen, c.weights, {4, &gate_up, &down, nullptr, {}}, {});
  const at::Tensor moved_up = c.gate_up.clone(), moved_down = c.down.clone();
  gate_up.value.detach().fill_(NAN);  // what forward used is gone
  down.value.detach().fill_(NAN);
  gate_up.value = moved_up;
  down.value = moved_down;
  const at::Tensor dx = torch::autograd::grad({y}, {x}, {c.dy})[0];
  EXPECT_TRUE(bit_equal(dx, run_case(c, at::kFloat).dx));
}

TEST(ExpertMlp, FrozenExpertsStillPassGradientsOn) {
  const ExpertCase c({40, 16, 12, 4});
  Parameter gate_up = make_frozen("gate_up", c.gate_up), down = make_frozen("down", c.down);
  const at::Tensor x = c.x.clone().requires_grad_(true), weights = c.weights.clone().requires_grad_(true);
  const at::Tensor y = expert_mlp(x, c.chosen, weights, {4, &gate_up, &down, nullptr, {}}, {});
  const auto gradients = torch::autograd::grad({y}, {x, weights}, {c.dy});
  const ExpertResult trained = run_case(c, at::kFloat);
  EXPECT_TRUE(bit_equal(y, trained.y));
  EXPECT_TRUE(bit_equal(gradients[0], trained.dx));
  EXPECT_TRUE(bit_equal(gradients[1], trained.d_weights));
}

// What a GPU does in bfloat16, here by torch's CPU implementation of the grouped product.
TEST(ExpertMlp, GroupedProductsGiveWhatOneProductEachGives) {
  const ExpertCase c({100, 16, 24, 8}, /*used=*/7);
  std::vector<std::vector<at::Tensor>> results;
  for (const bool grouped : {false, true}) {
    Parameter gate_up = make_parameter("gate_up", c.gate_up.to(at::kBFloat16)), down = make_parameter("down", c.down.to(at::kBFloat16));
    Adapters adapters(c.sizes, 4, true, true, true, 0.3);
    const at::Tensor x = c.x.to(at::kBFloat16).requires_grad_(true), weights = c.weights.clone().requires_grad_(true);
    const at::Tensor y = expert_mlp(x, c.chosen, weights, {8, &gate_up, &down, &adapters.lora, {}, grouped}, testing::draw_keys_of(100));
    const auto gradients = torch::autograd::grad({y}, {x, weights}, {c.dy.to(at::kBFloat16)});
    results.push_back({y.detach(), gradients[0], gradients[1], gate_up.gradient, down.gradient});
    for (const Parameter& p : adapters.all) results.back().push_back(p.gradient);
  }
  for (std::size_t i = 0; i < results[0].size(); ++i) EXPECT_LT(relative_error(results[1][i], results[0][i], kOwnRounding), kBFloat16Tolerance) << i;
  EXPECT_EQ(results[1][3].select(0, 7).count_nonzero().item<std::int64_t>(), 0);
}

TEST(ExpertMlp, WithoutGradientsItIsTheSame) {
  const ExpertCase c({40, 16, 12, 4});
  Parameter gate_up = make_frozen("gate_up", c.gate_up), down = make_frozen("down", c.down);
  const at::Tensor recorded = run_case(c, at::kFloat).y;
  const at::NoGradGuard no_gradients;
  EXPECT_TRUE(bit_equal(expert_mlp(c.x, c.chosen, c.weights, {4, &gate_up, &down, nullptr, {}}, {}), recorded));
}

// Plain autograd in double over every token and expert; leaves in the order of Adapters::all.
at::Tensor twin(const ExpertCase& c, const ExpertLora& lora, const at::Tensor& x, const at::Tensor& weights, const std::vector<at::Tensor>& leaves,
                const at::Tensor& keys) {
  const std::int64_t inner = c.sizes.inner;
  at::Tensor y = at::zeros_like(x);
  for (std::int64_t e = 0; e < c.sizes.experts; ++e) {
    const auto adapted = [&](const at::Tensor& in, std::uint64_t matrix) {
      at::Tensor kept = in;
      if (lora.dropout > 0 && keys.defined()) {
        const at::Tensor u = reference::uniforms(keys, lora.site + 3 * static_cast<std::uint64_t>(e) + matrix, in.size(1));
        kept = at::where(u.ge(static_cast<float>(lora.dropout)), in / (1 - lora.dropout), 0.0);
      }
      return lora.scale * at::linear(at::linear(kept, leaves[2 * matrix].select(0, e)), leaves[2 * matrix + 1].select(0, e));
    };
    const at::Tensor base = at::linear(x, c.gate_up.select(0, e).to(at::kDouble));
    at::Tensor gate = base.narrow(1, 0, inner), up = base.narrow(1, inner, inner);
    if (lora.gate_a != nullptr) gate = gate + adapted(x, 0);
    if (lora.up_a != nullptr) up = up + adapted(x, 1);
    const at::Tensor h = gate * gate.sigmoid() * up;
    at::Tensor out = at::linear(h, c.down.select(0, e).to(at::kDouble));
    if (lora.down_a != nullptr) out = out + adapted(h, 2);
    y = y + (weights * c.chosen.eq(e).to(at::kDouble)).sum(-1, true) * out;
  }
  return y;
}

class ExpertAdapters : public ::testing::TestWithParam<std::tuple<int, double>> {};

TEST_P(ExpertAdapters, OutputAndEveryGradientEqualAutogradInDouble) {
  const auto [which, dropout] = GetParam();
  const ExpertCase c({60, 16, 12, 6}, /*used=*/5);  // the last expert's adapters learn nothing
  Adapters adapters(c.sizes, 4, (which & 1) != 0, (which & 2) != 0, (which & 4) != 0, dropout);
  Parameter gate_up = make_frozen("gate_up", c.gate_up), down = make_frozen("down", c.down);
  const at::Tensor keys = testing::draw_keys_of(60), x = c.x.clone().requires_grad_(true), weights = c.weights.clone().requires_grad_(true);
  const at::Tensor y = expert_mlp(x, c.chosen, weights, {6, &gate_up, &down, &adapters.lora, {}}, keys);
  const auto gradients = torch::autograd::grad({y}, {x, weights}, {c.dy});

  const at::Tensor x1 = c.x.to(at::kDouble).requires_grad_(true), weights1 = c.weights.to(at::kDouble).requires_grad_(true);
  std::vector<at::Tensor> leaves, inputs = {x1, weights1};
  for (const Parameter& p : adapters.all) leaves.push_back(p.value.detach().to(at::kDouble).requires_grad_(true));
  for (std::size_t i = 0; i < leaves.size(); ++i)
    if ((which >> (i / 2) & 1) != 0) inputs.push_back(leaves[i]);
  const at::Tensor y1 = twin(c, adapters.lora, x1, weights1, leaves, keys);
  const auto exact = torch::autograd::grad({y1}, inputs, {c.dy.to(at::kDouble)});
  EXPECT_LT(relative_error(y, y1), kFloatTolerance);
  EXPECT_LT(relative_error(gradients[0], exact[0]), kFloatTolerance);
  EXPECT_LT(relative_error(gradients[1], exact[1]), kFloatTolerance);
  std::size_t next = 2;
  for (std::size_t i = 0; i < leaves.size(); ++i) {
    if ((which >> (i / 2) & 1) == 0) continue;
    EXPECT_LT(relative_error(adapters.all[i].gradient, exact[next++]), kFloatTolerance) << i;
  }
}

INSTANTIATE_TEST_SUITE_P(All, ExpertAdapters, ::testing::Combine(::testing::Values(1, 2, 4, 7), ::testing::Values(0.0, 0.4)));

TEST(ExpertAdapter, BFloat16BaseKeepsFloat32Adapters) {
  const ExpertCase c({60, 16, 12, 6});
  Adapters adapters(c.sizes, 4, true, true, true, 0.0), wide(c.sizes, 4, true, true, true, 0.0);
  Parameter gate_up = make_frozen("gate_up", c.gate_up.to(at::kBFloat16)), down = make_frozen("down", c.down.to(at::kBFloat16));
  Parameter gate_up1 = make_frozen("gate_up", gate_up.value.to(at::kFloat)), down1 = make_frozen("down", down.value.to(at::kFloat));
  const at::Tensor x = c.x.to(at::kBFloat16).requires_grad_(true), x1 = c.x.to(at::kBFloat16).to(at::kFloat).requires_grad_(true);
  const at::Tensor y = expert_mlp(x, c.chosen, c.weights, {6, &gate_up, &down, &adapters.lora, {}}, {});
  const at::Tensor y1 = expert_mlp(x1, c.chosen, c.weights, {6, &gate_up1, &down1, &wide.lora, {}}, {});
  torch::autograd::backward({y}, {c.dy.to(at::kBFloat16)});
  torch::autograd::backward({y1}, {c.dy.to(at::kBFloat16).to(at::kFloat)});
  EXPECT_LT(relative_error(y, y1, kOwnRounding), kBFloat16Tolerance);
  for (std::size_t i = 0; i < adapters.all.size(); ++i)
    EXPECT_LT(relative_error(adapters.all[i].gradient, wide.all[i].gradient, kOwnRounding), kBFloat16Tolerance) << i;
}

}  // namespace
}  // namespace phidias::kernels
