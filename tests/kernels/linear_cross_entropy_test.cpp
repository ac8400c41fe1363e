#include "kernels/linear_cross_entropy.h"

#include <ATen/Parallel.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/isin.h>
#include <ATen/ops/linear.h>
#include <ATen/ops/searchsorted.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/where.h>

#include <limits>

#include "base/error.h"
#include "kernels/reference/reference.h"
#include "tests/kernels/support.h"

namespace phidias::kernels {
namespace {

using testing::bit_equal;
using testing::make_frozen;
using testing::make_parameter;
using testing::random_tensor;
using testing::relative_error;

struct Case {
  std::string name;
  std::int64_t rows, vocab, width;
  int ignored_every;  // 0: every row has a target; 1: none
  bool bias;
  double logit_scale;
  at::ScalarType type = at::kFloat;
};

struct Problem {
  at::Tensor hidden, weight, bias, targets;
};

Problem make_problem(const Case& c) {
  at::Tensor targets = at::arange(c.rows, at::kLong).mul(13).remainder(c.vocab);
  if (c.ignored_every > 0) targets = at::where(at::arange(c.rows, at::kLong).remainder(c.ignored_every).eq(0), -100, targets).to(at::kLong);
  return {random_tensor({c.rows, c.width}, 1).to(c.type), random_tensor({c.vocab, c.width}, 2, 3.0 / std::sqrt(c.width)).to(c.type),
          random_tensor({c.vocab}, 3).to(c.type), targets};
}

struct Exact {
  at::Tensor hidden, weight, bias, log_probability, log_sum_exp, entropy;
};

// Unfused, whole logits, in double; rows without a target give 0.
Exact exact_rows(const Problem& p, const Case& c) {
  Exact e{
      p.hidden.to(at::kDouble).requires_grad_(true), p.weight.to(at::kDouble).requires_grad_(true), p.bias.to(at::kDouble).requires_grad_(true), {}, {}, {}};
  const at::Tensor logits = at::linear(e.hidden, e.weight, c.bias ? e.bias : e.bias * 0.0) * c.logit_scale;
  const at::Tensor counted = p.targets.ge(0).to(at::kDouble);
  const reference::RowStatistics rows = reference::row_statistics(logits, p.targets.clamp_min(0));
  e.log_probability = rows.log_probability * counted;
  e.log_sum_exp = rows.log_sum_exp * counted;
  e.entropy = rows.entropy * counted;
  return e;
}

class HeadLoss : public ::testing::TestWithParam<Case> {};

// bfloat16: logits of size 3 and d logits are rounded at 2^-9, so a log-probability is off by up to some 2e-2 and a gradient by a percent.
double loss_tolerance(const Case& c) { return c.type == at::kFloat ? 2e-6 : 5e-3; }
double gradient_tolerance(const Case& c) { return c.type == at::kFloat ? testing::kFloatTolerance : 6e-2; }
// Rows of targets have gradients many times the mean's size: an entry may also be off by some roundings of its own.
constexpr double kOwnRounding = 5e-6;

TEST_P(HeadLoss, AndItsGradientsEqualDouble) {
  const Case& c = GetParam();
  const Problem p = make_problem(c);
  const double scale = 0.37;
  Parameter weight = make_parameter("lm_head", p.weight), bias = make_parameter("bias", p.bias);
  const at::Tensor hidden = p.hidden.detach().clone().requires_grad_(true);
  const at::Tensor loss = next_token_loss(hidden, {&weight, c.bias ? &bias : nullptr, c.logit_scale}, p.targets, scale);
  loss.backward();
  const Exact e = exact_rows(p, c);
  const at::Tensor exact_loss = -e.log_probability.sum();
  (exact_loss * scale).backward();
  EXPECT_NEAR(loss.item<double>(), exact_loss.item<double>(), loss_tolerance(c) * std::max(1.0, exact_loss.item<double>()));
  EXPECT_LT(relative_error(hidden.grad(), e.hidden.grad(), kOwnRounding), gradient_tolerance(c));
  EXPECT_LT(relative_error(weight.gradient, e.weight.grad(), kOwnRounding), gradient_tolerance(c));
  if (c.bias) {
    EXPECT_LT(relative_error(bias.gradient, e.bias.grad(), kOwnRounding), gradient_tolerance(c));
  }
}

TEST_P(HeadLoss, TokenStatisticsAndAGradientPerRowEqualDouble) {
  const Case& c = GetParam();
  const Problem p = make_problem(c);
  Parameter weight = make_parameter("lm_head", p.weight), bias = make_parameter("bias", p.bias);
  const Head head{&weight, c.bias ? &bias : nullptr, c.logit_scale};
  const at::Tensor hidden = p.hidden.detach().clone().requires_grad_(true), row_gradient = random_tensor({c.rows}, 7);
  const TokenLogProbabilities rows = token_log_probabilities(hidden, head, p.targets);
  const Exact e = exact_rows(p, c);
  const double absolute = c.type == at::kFloat ? 2e-5 : 8e-2;  // logits up to some 10; bfloat16 rounds them by 2e-2 twice
  if (c.rows > 0) {
    EXPECT_LT((rows.log_probability - e.log_probability).abs().max().item<double>(), absolute);
    EXPECT_LT((rows.log_sum_exp - e.log_sum_exp).abs().max().item<double>(), absolute);
    EXPECT_LT((rows.entropy - e.entropy).abs().max().item<double>(), absolute);
  }
  torch::autograd::backward({rows.log_probability}, {row_gradient});
  torch::autograd::backward({e.log_probability}, {row_gradient.to(at::kDouble)});
  EXPECT_LT(relative_error(hidden.grad(), e.hidden.grad(), kOwnRounding), gradient_tolerance(c));
  EXPECT_LT(relative_error(weight.gradient, e.weight.grad(), kOwnRounding), gradient_tolerance(c));

  const at::NoGradGuard no_grad;
  EXPECT_TRUE(bit_equal(token_log_probabilities(hidden, head, p.targets).log_probability, rows.log_probability));
  EXPECT_NEAR(next_token_loss(hidden, head, p.targets, 1.0).item<double>(), -rows.log_probability.sum(at::kDouble).item<double>(), 1e-6 * (1 + c.rows * 5.0));
}

INSTANTIATE_TEST_SUITE_P(Shapes, HeadLoss,
                         ::testing::Values(Case{"EveryRow", 70, 101, 32, 0, false, 1.0}, Case{"SomeIgnored", 90, 64, 48, 3, false, 1.0},
                                           Case{"SeveralChunks", 1300, 203, 16, 5, false, 1.0}, Case{"BiasAndScale", 60, 77, 32, 4, true, 0.125},
                                           Case{"SmallVocabulary", 9, 3, 8, 0, false, 1.0}, Case{"NoTargets", 20, 50, 16, 1, true, 1.0},
                                           Case{"NoRows", 0, 50, 16, 0, false, 1.0}, Case{"LargeVocabulary", 20, 32064, 8, 0, false, 1.0},
                                           Case{"Bfloat16", 600, 203, 64, 5, false, 1.0, at::kBFloat16},
                                           Case{"Bfloat16BiasAndScale", 60, 77, 32, 4, true, 0.5, at::kBFloat16}),
                         [](const auto& info) { return info.param.name; });

TEST(HeadLoss, AddsToWhatATiedEmbeddingWroteAndReportsOnce) {
  struct Listener : GradientListener {
    int calls = 0;
    void gradient_ready(Parameter&) override { ++calls; }
  } listener;
  const Problem p = make_problem({"", 1200, 40, 16, 0, false, 1.0});
  Parameter alone = make_parameter("lm_head", p.weight), tied = make_parameter("tied", p.weight);
  next_token_loss(p.hidden, {&alone}, p.targets, 1.0).backward();
  tied.listener = &listener;
  tied.gradient.fill_(2.0);
  tied.has_gradient = true;
  next_token_loss(p.hidden, {&tied}, p.targets, 1.0).backward();
  EXPECT_LT(relative_error(tied.gradient - 2.0, alone.gradient), 1e-5);
  EXPECT_EQ(listener.calls, 1);
}

TEST(HeadLoss, OfAFrozenHeadGivesTheGradientOfHiddenAlone) {
  const Problem p = make_problem({"", 30, 40, 16, 0, false, 1.0});
  Parameter trained = make_parameter("a", p.weight), frozen = make_frozen("b", p.weight);
  const at::Tensor x = p.hidden.clone().requires_grad_(true), y = p.hidden.clone().requires_grad_(true);
  next_token_loss(x, {&trained}, p.targets, 1.0).backward();
  next_token_loss(y, {&frozen}, p.targets, 1.0).backward();
  EXPECT_TRUE(bit_equal(x.grad(), y.grad()));
}

TEST(HeadLoss, IsNotANumberWhereALogitIs) {
  const Problem p = make_problem({"", 5, 40, 16, 0, false, 1.0});
  Parameter weight = make_parameter("w", p.weight);
  p.hidden[3][2].fill_(std::nan(""));
  EXPECT_TRUE(std::isnan(next_token_loss(p.hidden, {&weight}, p.targets, 1.0).item<double>()));
}

TEST(HeadLoss, NamesATargetOutsideTheVocabulary) {
  Problem p = make_problem({"", 5, 40, 16, 0, false, 1.0});
  Parameter weight = make_parameter("w", p.weight);
  p.targets[2].fill_(40);
  EXPECT_THROW(next_token_loss(p.hidden, {&weight}, p.targets, 1.0), DataError);
}

TEST(LastLogits, OfFewAndOfManyRowsEqualDouble) {
  for (const std::int64_t rows : {1, 2, 5, 8, 16, 17, 40}) {
    const Problem p = make_problem({"", rows, 133, 48, 0, true, 1.0});
    Parameter weight = make_parameter("w", p.weight), bias = make_parameter("b", p.bias);
    const at::Tensor exact = at::linear(p.hidden.to(at::kDouble), p.weight.to(at::kDouble), p.bias.to(at::kDouble)) * 0.125;
    EXPECT_LT(relative_error(last_logits(p.hidden, {&weight, &bias, 0.125}), exact), testing::kFloatTolerance) << rows << " rows";
  }
}

// Phi-3-small's dummy tokens. The oracle leaves the masked columns out of the vocabulary altogether.
TEST(MaskedIds, AreOutsideLossStatisticsAndGradients) {
  for (const auto& [type, strided] : {std::pair(at::kFloat, false), {at::kBFloat16, false}, {at::kFloat, true}}) {  // strided: the slow twin
    const Case c{"", 700, 60, 32, 4, true, 0.125, type};
    const Problem p = make_problem(c);
    const at::Tensor masked = at::tensor({0, 7, 8, 59}, at::kLong), kept = at::isin(at::arange(60, at::kLong), masked).logical_not().nonzero().squeeze(1);
    const at::Tensor targets = at::where(at::isin(p.targets, masked), -100, p.targets);
    Parameter weight = make_parameter("w", p.weight), bias = make_parameter("b", p.bias);
    if (strided) weight.value = p.weight.t().contiguous().t().requires_grad_(true);
    const Head head{&weight, &bias, c.logit_scale, masked};
    const at::Tensor hidden = p.hidden.detach().clone().requires_grad_(true);
    const at::Tensor loss = next_token_loss(hidden, head, targets, 1.0);
    loss.backward();

    Problem without{p.hidden, p.weight.index_select(0, kept), p.bias.index_select(0, kept), {}};
    without.targets = at::where(targets.ge(0), at::searchsorted(kept, targets), targets);
    const Exact e = exact_rows(without, c);
    (-e.log_probability.sum()).backward();
    EXPECT_NEAR(loss.item<double>(), -e.log_probability.sum().item<double>(), loss_tolerance(c) * loss.item<double>());
    EXPECT_LT(relative_error(hidden.grad(), e.hidden.grad(), kOwnRounding), gradient_tolerance(c));
    EXPECT_LT(relative_error(weight.gradient.index_select(0, kept), e.weight.grad(), kOwnRounding), gradient_tolerance(c));
    EXPECT_LT(relative_error(bias.gradient.index_select(0, kept), e.bias.grad(), kOwnRounding), gradient_tolerance(c));
    EXPECT_EQ(weight.gradient.index_select(0, masked).abs().sum().item<float>(), 0.0F);
    EXPECT_EQ(bias.gradient.index_select(0, masked).abs().sum().item<float>(), 0.0F);

    const at::Tensor again = p.hidden.detach().clone().requires_grad_(true), row_gradient = at::full({c.rows}, -1.0, at::kFloat);
    const TokenLogProbabilities rows = token_log_probabilities(again, head, targets);
    const double absolute = type == at::kBFloat16 ? 8e-2 : 2e-5;  // as above
    EXPECT_LT((rows.log_probability - e.log_probability).abs().max().item<double>(), absolute);
    EXPECT_LT((rows.log_sum_exp - e.log_sum_exp).abs().max().item<double>(), absolute);
    EXPECT_LT((rows.entropy - e.entropy).abs().max().item<double>(), absolute);
    torch::autograd::backward({rows.log_probability}, {row_gradient});
    EXPECT_TRUE(bit_equal(again.grad(), hidden.grad())) << "both ways of training take the same gradient";
  }
}

TEST(MaskedIds, HaveTheSmallestLogitInGenerationAndAsATarget) {
  const double lowest = std::numeric_limits<float>::lowest();
  for (const at::ScalarType type : {at::kFloat, at::kBFloat16}) {
    const Problem p = make_problem({"", 3, 50, 16, 0, false, 1.0, type});
    Parameter weight = make_parameter("w", p.weight);
    const Head head{&weight, nullptr, 0.125, at::tensor({2, 49}, at::kLong)};
    const at::NoGradGuard no_grad;
    const at::Tensor logits = last_logits(p.hidden, head), plain = last_logits(p.hidden, {&weight, nullptr, 0.125});
    EXPECT_TRUE(logits.index_select(1, head.masked_ids).eq(lowest).all().item<bool>());
    EXPECT_TRUE(bit_equal(logits.narrow(1, 3, 46), plain.narrow(1, 3, 46)));
    // The reference's log-probability of a masked target: finite, the float32 minimum.
    EXPECT_EQ(token_log_probabilities(p.hidden, head, at::tensor({49, 5, 2}, at::kLong)).log_probability[0].item<double>(), lowest);
  }
}

}  // namespace
}  // namespace phidias::kernels
