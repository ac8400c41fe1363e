// The router: worked examples, the slow twin with the same draws, the gradient formula, statistics, the load-balancing gradient; jitter and dropout.
#include "kernels/sparse_mixer.h"

#include <ATen/ops/arange.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/ones_like.h>
#include <ATen/ops/softmax.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/zeros.h>

#include <array>

#include "kernels/draws.h"
#include "kernels/dropout.h"
#include "kernels/linear.h"
#include "kernels/reference/experts.h"
#include "tests/kernels/support.h"

namespace phidias::kernels {
namespace {

using testing::bit_equal;
using testing::make_parameter;
using testing::random_tensor;
using testing::relative_error;

constexpr double kEpsilon = 0.01;

at::Tensor keys_of(std::int64_t tokens, std::uint64_t seed = 1) {
  const at::Tensor keys = at::empty({tokens}, at::kLong);
  for (std::int64_t t = 0; t < tokens; ++t) keys.mutable_data_ptr<std::int64_t>()[t] = static_cast<std::int64_t>(draw_key(seed, 3, 7, t));
  return keys;
}

// Scores so close that several experts stay inside the band of two per cent.
at::Tensor close_scores(std::int64_t tokens, std::int64_t experts, std::uint64_t seed = 5) {
  return random_tensor({tokens, experts}, seed).mul(0.02).add(1.0 + 0.5 * random_tensor({tokens, 1}, seed + 1));
}

Routing route(const at::Tensor& scores, bool sampled, const at::Tensor& keys = {}, LayerRouting* statistics = nullptr,
              const std::function<at::Tensor()>& aux = {}, std::uint64_t layer = 0) {
  return sparse_mixer(scores, {kEpsilon, sampled, layer}, keys, statistics, aux);
}

struct Worked {
  std::array<float, 4> scores;
  std::int64_t first, second;
  double first_weight, second_weight;
};

// phi-models.md 3.4: computed by hand from the definition.
TEST(SparseMixer, WorkedExamplesComeOut) {
  for (const Worked& w : std::initializer_list<Worked>{{{1, 0.99F, 0.985F, 0.5F}, 0, 1, 0.33611618, 0.50125000},
                                                       {{2, 1.5F, 1, 0.5F}, 0, 1, 1, 1},
                                                       {{-1, -1.01F, -1.5F, -3}, 0, 1, 0.50249998, 1},
                                                       {{5, 4.95F, 4.92F, 4}, 0, 1, 0.34790526, 0.50749944},
                                                       {{0, -0.001F, 0.5F, 0.495F}, 2, 3, 0.50125000, 1}}) {
    const Routing routing = route(at::tensor(at::ArrayRef<float>(w.scores)).unsqueeze(0), false);
    EXPECT_EQ(routing.experts[0][0].item<std::int64_t>(), w.first);
    EXPECT_EQ(routing.experts[0][1].item<std::int64_t>(), w.second);
    EXPECT_NEAR(routing.weights[0][0].item<double>(), w.first_weight, 1e-6);
    EXPECT_NEAR(routing.weights[0][1].item<double>(), w.second_weight, 1e-6);
  }
  const at::Tensor scores = at::tensor({1.0F, 0.99F, 0.985F, 0.5F}).unsqueeze(0).requires_grad_(true);
  const at::Tensor weights = route(scores, false).weights;
  const auto gradient = [&](std::int64_t slot) { return torch::autograd::grad({weights.select(1, slot)}, {scores}, {at::ones({1})}, true)[0]; };
  EXPECT_LT((gradient(0) - at::tensor({0.22314209, -0.11184997, -0.11129212, 0.0})).abs().max().item<double>(), 1e-6);
  EXPECT_LT((gradient(1) - at::tensor({0.0, 0.24999844, -0.24999844, 0.0})).abs().max().item<double>(), 1e-6);
}

class Mixers : public ::testing::TestWithParam<std::tuple<std::int64_t, std::int64_t, bool>> {
 protected:
  std::int64_t tokens() const { return std::get<0>(GetParam()); }
  std::int64_t experts() const { return std::get<1>(GetParam()); }
  bool sampled() const { return std::get<2>(GetParam()); }
};

TEST_P(Mixers, ChoicesWeightsAndGradientEqualTheSlowTwin) {
  const at::Tensor keys = keys_of(tokens()), d_weights = random_tensor({tokens(), 2}, 9);
  const at::Tensor scores = close_scores(tokens(), experts()).requires_grad_(true), exact = scores.detach().to(at::kDouble).requires_grad_(true);
  const Routing routing = route(scores, sampled(), keys, nullptr, {}, 2);
  const reference::RouterDraws draws = sampled() ? reference::router_draws(keys, 2, experts()) : reference::RouterDraws{};
  const Routing expected = reference::sparse_mixer(exact, kEpsilon, draws);
  EXPECT_TRUE(routing.experts.equal(expected.experts));
  EXPECT_LT(relative_error(routing.weights, expected.weights), 1e-5);  // of exp and a division
  const at::Tensor gradient = torch::autograd::grad({routing.weights}, {scores}, {d_weights})[0];
  EXPECT_LT(relative_error(gradient, torch::autograd::grad({expected.weights}, {exact}, {d_weights.to(at::kDouble)})[0]), 2e-5);
}

// Central differences of float32 weights: the weight's rounding 6e-8 over the step 2e-3 and the third derivative's 1e-6, with room for sums of a few.
TEST_P(Mixers, GradientEqualsFiniteDifferencesWhereChoicesStay) {
  if (sampled() || tokens() == 0) return;
  const at::Tensor d_weights = random_tensor({tokens(), 2}, 9), scores = close_scores(tokens(), experts()).requires_grad_(true);
  const Routing routing = route(scores, false);
  const at::Tensor gradient = torch::autograd::grad({routing.weights}, {scores}, {d_weights})[0];
  const reference::RouterDraws none;
  std::int64_t compared = 0;
  for (std::int64_t e = 0; e < experts(); ++e) {
    constexpr double kStep = 1e-5;  // in double: small enough that few entries cross the band's edge
    const at::Tensor step = at::zeros({experts()}, at::kDouble);
    step[e] = kStep;
    const at::Tensor base = scores.detach().to(at::kDouble);
    const Routing above = reference::sparse_mixer(base + step, kEpsilon, none), below = reference::sparse_mixer(base - step, kEpsilon, none);
    const at::Tensor difference = ((above.weights - below.weights) * d_weights).sum(1) / (2 * kStep);
    const at::Tensor stayed = above.experts.eq(below.experts).all(1).logical_and((above.weights - below.weights).abs().amax(1).lt(10 * kStep));
    compared += stayed.sum().item<std::int64_t>();
    EXPECT_LT(((difference - gradient.select(1, e)) * stayed).abs().max().item<double>(), 1e-5);
  }
  EXPECT_GT(compared, tokens() * experts() / 2);
}

TEST_P(Mixers, StatisticsCountChoicesAndSoftmax) {
  const at::Tensor keys = keys_of(tokens()), scores = close_scores(tokens(), experts());
  LayerRouting statistics;
  statistics.load = at::ones({1}, at::kLong);  // overwritten, not added to
  const Routing routing = route(scores, sampled(), keys, &statistics);
  const at::Tensor probabilities = at::softmax(scores.to(at::kDouble), -1), top = std::get<1>(scores.topk(2, -1));
  for (std::int64_t e = 0; e < experts(); ++e) {
    EXPECT_EQ(statistics.load[e].item<std::int64_t>(), routing.experts.eq(e).sum().item<std::int64_t>());
    EXPECT_EQ(statistics.top_counts[e].item<std::int64_t>(), top.eq(e).sum().item<std::int64_t>());
  }
  EXPECT_LT(relative_error(statistics.probability_sum, probabilities.sum(0)), 1e-5);
}

TEST_P(Mixers, LoadBalancingGradientGoesThroughTheSoftmaxOfAllScores) {
  const at::Tensor keys = keys_of(tokens()), aux = random_tensor({experts()}, 11);
  const at::Tensor scores = close_scores(tokens(), experts()).requires_grad_(true), exact = scores.detach().to(at::kDouble).requires_grad_(true);
  const Routing routing = route(scores, sampled(), keys, nullptr, [&] { return aux; });
  const at::Tensor gradient = torch::autograd::grad({routing.weights}, {scores}, {at::zeros({tokens(), 2})})[0];
  const at::Tensor loss = (at::softmax(exact, -1) * aux).sum();
  EXPECT_LT(relative_error(gradient, torch::autograd::grad({loss}, {exact})[0]), 2e-5);
}

INSTANTIATE_TEST_SUITE_P(All, Mixers, ::testing::Combine(::testing::Values(0, 1, 333), ::testing::Values(2, 3, 16, 64), ::testing::Bool()),
                         [](const auto& info) {
                           return std::to_string(std::get<0>(info.param)) + "_tokens_" + std::to_string(std::get<1>(info.param)) + "_experts" +
                                  (std::get<2>(info.param) ? "_sampled" : "");
                         });

// 20,000 draws: a frequency's deviation is at most 0.0036, five of them are allowed.
TEST(SparseMixer, SamplingFollowsTheSoftmaxOfWhatIsLeft) {
  const std::int64_t tokens = 20000;
  const at::Tensor scores = at::tensor({1.0F, 0.99F, 0.985F, 0.5F}).unsqueeze(0).expand({tokens, 4}).contiguous();
  const Routing routing = route(scores, true, keys_of(tokens));
  const at::Tensor first = routing.experts.select(1, 0), gates = at::softmax(scores[0].narrow(0, 0, 3).to(at::kDouble), 0);
  for (std::int64_t e = 0; e < 3; ++e) EXPECT_NEAR(first.eq(e).to(at::kDouble).mean().item<double>(), gates[e].item<double>(), 0.018);
  EXPECT_EQ(first.eq(3).sum().item<std::int64_t>(), 0);
  // A draw that is not the best keeps its weight once in four, else a third of it.
  const at::Tensor others = first.ne(0), whole = routing.weights.select(1, 0).gt(0.3).logical_and(others);
  EXPECT_NEAR(whole.sum().item<double>() / others.sum().item<double>(), 0.25, 0.02);
}

TEST(SparseMixer, NotANumberReachesTheWeightsAndExpertsStayValid) {
  const at::Tensor scores = at::full({3, 4}, 1.0, at::kFloat);
  scores[0].fill_(std::nan(""));
  scores[1][2] = std::nan("");
  for (const bool sampled : {false, true}) {
    const Routing routing = route(scores, sampled, keys_of(3));
    EXPECT_TRUE(routing.weights[0].isnan().all().item<bool>());
    EXPECT_TRUE(routing.weights[1].isnan().any().item<bool>());
    EXPECT_FALSE(routing.weights[2].isnan().any().item<bool>());
    EXPECT_TRUE(routing.experts.ge(0).logical_and(routing.experts.lt(4)).all().item<bool>());
    EXPECT_TRUE(routing.experts.select(1, 0).ne(routing.experts.select(1, 1)).all().item<bool>());
  }
}

TEST(SparseMixer, BFloat16ScoresAreRoutedAsTheirFloat32Values) {
  const at::Tensor scores = close_scores(100, 8).to(at::kBFloat16);
  const Routing narrow = route(scores, false), wide = route(scores.to(at::kFloat), false);
  EXPECT_TRUE(narrow.experts.equal(wide.experts));
  EXPECT_TRUE(bit_equal(narrow.weights, wide.weights.to(at::kBFloat16)));
}

TEST(Router, FrozenGateGetsAZeroGradientAndPassesTheSameOneOn) {
  const at::Tensor x0 = random_tensor({20, 8}, 1), w = random_tensor({4, 8}, 2), d = random_tensor({20, 4}, 3);
  Parameter free = make_parameter("gate", w), frozen = make_parameter("gate", w);
  const at::Tensor x = x0.clone().requires_grad_(true), z = x0.clone().requires_grad_(true);
  const at::Tensor scores = router_scores(x, free, false), same = router_scores(z, frozen, true);
  EXPECT_TRUE(bit_equal(scores, same));
  EXPECT_TRUE(bit_equal(torch::autograd::grad({scores}, {x}, {d})[0], torch::autograd::grad({same}, {z}, {d})[0]));
  EXPECT_GT(free.gradient.abs().sum().item<double>(), 0.0);
  EXPECT_EQ(frozen.gradient.count_nonzero().item<std::int64_t>(), 0);
  EXPECT_TRUE(frozen.has_gradient);
}

// Bit for bit what draws.h says, element by element, in both types and with a width that fills no block.
TEST(Draws, JitterAndDropoutUseTheDocumentedBits) {
  const std::int64_t tokens = 9, width = 71;
  const at::Tensor keys = keys_of(tokens), x = random_tensor({tokens, width}, 4);
  const at::Tensor jittered = input_jitter(x, 0.01, keys, 5), kept = dropout(x, 0.3, keys, draw_site(RandomSite::dropout, 2, 1));
  const at::Tensor u = reference::uniforms(keys, draw_site(RandomSite::jitter, 5), width),
                   v = reference::uniforms(keys, draw_site(RandomSite::dropout, 2, 1), width);
  EXPECT_LT((jittered - x * (u * 0.02F + 0.99F)).abs().max().item<double>(), 1e-6);  // one rounding may be fused
  EXPECT_TRUE(bit_equal(kept.ne(0), v.ge(0.3F)));
  EXPECT_LT(relative_error(kept, x * v.ge(0.3F) / 0.7), 1e-6);
  EXPECT_TRUE(bit_equal(dropout(x.to(at::kBFloat16), 0.3, keys, draw_site(RandomSite::dropout, 2, 1)).ne(0), v.ge(0.3F)));
  EXPECT_TRUE(dropout(x, 0.3, {}, 0).is_same(x));
  EXPECT_EQ(dropout(x.narrow(0, 0, 0), 0.3, keys.narrow(0, 0, 0), 0).size(0), 0);
}

TEST(Draws, GradientIsMultipliedByTheSameFactors) {
  const at::Tensor keys = keys_of(9), x = random_tensor({9, 33}, 4).requires_grad_(true);
  const at::Tensor y = dropout(x, 0.5, keys, 77);
  const at::Tensor gradient = torch::autograd::grad({y}, {x}, {at::ones_like(y)})[0];
  EXPECT_LT(relative_error(y, gradient * x.detach()), 1e-6);
  EXPECT_GT(gradient.eq(0).sum().item<std::int64_t>(), 0);
}

}  // namespace
}  // namespace phidias::kernels
