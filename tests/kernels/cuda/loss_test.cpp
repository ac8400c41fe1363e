// Cross-entropy over chunks, AdamW and the gradient norm on a GPU against float64.
#include <ATen/ops/arange.h>
#include <ATen/ops/full.h>
#include <ATen/ops/linear.h>
#include <ATen/ops/randint.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/zeros.h>

#include <limits>

#include "kernels/adamw.h"
#include "kernels/linear_cross_entropy.h"
#include "kernels/reference/reference.h"
#include "tests/kernels/cuda/cuda_test.h"

namespace phidias::kernels {
namespace {

using testing::exact;
using testing::exact_leaf;
using testing::gpu_leaf;
using testing::gpu_parameter;
using testing::kTypes;
using testing::on_gpu;
using testing::random_tensor;
using testing::relative_error;

class CudaLoss : public testing::CudaTest {};

struct Problem {
  std::int64_t rows, hidden, vocabulary;
  double ignored;  // part of the rows without a target
  double logit_scale;
  bool bias;
};
// One chunk and several, vocabularies that are and are not multiples of a pack, nothing ignored, everything ignored, no rows.
const std::vector<Problem> kProblems = {{64, 32, 1000, 0.3, 1.0, false},   {64, 32, 1001, 0.0, 0.125, true}, {9000, 64, 1024, 0.4, 1.0, false},
                                        {300, 64, 32064, 0.4, 1.0, false}, {10, 16, 50, 1.0, 1.0, true},     {0, 16, 50, 0.0, 1.0, false},
                                        {1, 3072, 32064, 0.0, 1.0, false}};

at::Tensor random_targets(const Problem& p) {
  at::Tensor targets = at::randint(0, p.vocabulary, {p.rows}, at::kLong);
  const auto ignored = static_cast<std::int64_t>(p.ignored * static_cast<double>(p.rows));
  for (std::int64_t i = 0; i < ignored; ++i) targets[(i * 7919) % p.rows] = -100;  // 7919 is prime: distinct rows
  return targets;
}

// In bfloat16 each entry of the logits' gradient is rounded once (1/512) before the products. An id that is the target of two rows may cancel in d weight,
// where entries (up to 4) are some twenty times the mean size because most ids are no target at all: 4 * 20 * 2 / 512.
double gradient_limit(at::ScalarType type) { return type == at::kFloat ? 1e-4 : 0.3; }

// Row statistics in float64 with autograd through the explicit formula.
struct Expected {
  Expected(const Problem& p, const at::Tensor& x, const at::Tensor& w, const at::Tensor& b, const at::Tensor& targets) {
    at::Tensor logits = (p.bias ? at::linear(x, w, b) : at::linear(x, w)) * p.logit_scale;
    const at::Tensor counted = targets.ge(0);
    log_sum_exp = logits.logsumexp(1);
    log_probability = (logits.gather(1, targets.clamp_min(0).unsqueeze(1)).squeeze(1) - log_sum_exp) * counted;
    const at::Tensor probability = (logits - log_sum_exp.unsqueeze(1)).exp();
    entropy = (log_sum_exp - (probability * logits).sum(1)) * counted;
    log_sum_exp = log_sum_exp * counted;
  }
  at::Tensor log_probability, log_sum_exp, entropy;
};

TEST_F(CudaLoss, NextTokenLossAndGradientsEqualDouble) {
  for (const Problem& p : kProblems) {
    const at::Tensor x0 = random_tensor({p.rows, p.hidden}, 1), w0 = random_tensor({p.vocabulary, p.hidden}, 2, 0.3), b0 = random_tensor({p.vocabulary}, 3);
    const at::Tensor targets = random_targets(p);
    constexpr double kScale = 1.0 / 777;
    for (const at::ScalarType type : kTypes) {
      Parameter weight = gpu_parameter("head", w0, type), bias = gpu_parameter("bias", b0, type);
      const at::Tensor x = gpu_leaf(x0, type);
      const at::Tensor loss = next_token_loss(x, {&weight, p.bias ? &bias : nullptr, p.logit_scale}, on_gpu(targets, at::kLong), kScale);
      const at::Tensor dx = torch::autograd::grad({loss}, {x})[0];
      const at::Tensor x1 = exact_leaf(x0, type), w1 = exact_leaf(w0, type), b1 = exact_leaf(b0, type);
      const at::Tensor loss1 = -Expected(p, x1, w1, b1, targets).log_probability.sum();
      const auto expected = torch::autograd::grad({loss1 * kScale}, {x1, w1, b1}, {}, std::nullopt, false, /*allow_unused=*/true);
      const std::string what = std::to_string(p.rows) + " rows, vocabulary " + std::to_string(p.vocabulary) + ", " + c10::toString(type);
      // Logits are float32 in both types: the loss is exact to their rounding, 1e-6 of a logit.
      EXPECT_NEAR(loss.item<double>(), loss1.item<double>(), 2e-5 * std::abs(loss1.item<double>()) + 1e-6) << what;
      const double limit = gradient_limit(type);
      EXPECT_LT(relative_error(dx.cpu(), expected[0], testing::free_part(type)), limit) << what;
      EXPECT_LT(relative_error(weight.gradient.cpu(), expected[1], testing::free_part(type)), limit) << what;
      if (p.bias) {
        EXPECT_LT(relative_error(bias.gradient.cpu(), expected[2], testing::free_part(type)), limit) << what;
      }
    }
  }
}

TEST_F(CudaLoss, TokenLogProbabilitiesTakeAGradientPerRow) {
  for (const Problem& p : kProblems) {
    const at::Tensor x0 = random_tensor({p.rows, p.hidden}, 1), w0 = random_tensor({p.vocabulary, p.hidden}, 2, 0.3), b0 = random_tensor({p.vocabulary}, 3);
    const at::Tensor targets = random_targets(p), row_gradient = random_tensor({p.rows}, 4);
    for (const at::ScalarType type : kTypes) {
      Parameter weight = gpu_parameter("head", w0, type), bias = gpu_parameter("bias", b0, type);
      const at::Tensor x = gpu_leaf(x0, type);
      const TokenLogProbabilities result = token_log_probabilities(x, {&weight, p.bias ? &bias : nullptr, p.logit_scale}, on_gpu(targets, at::kLong));
      const at::Tensor dx = torch::autograd::grad({result.log_probability}, {x}, {on_gpu(row_gradient, at::kFloat)})[0];
      const at::Tensor x1 = exact_leaf(x0, type), w1 = exact_leaf(w0, type), b1 = exact_leaf(b0, type);
      const Expected expected(p, x1, w1, b1, targets);
      const auto gradients = torch::autograd::grad({expected.log_probability}, {x1, w1}, {row_gradient.to(at::kDouble)});
      const std::string what = std::to_string(p.rows) + " rows, vocabulary " + std::to_string(p.vocabulary) + ", " + c10::toString(type);
      // Sums of a few thousand float32 terms: 1e-5 of the row's size.
      EXPECT_LT(relative_error(result.log_probability.cpu(), expected.log_probability), 2e-5) << what;
      EXPECT_LT(relative_error(result.log_sum_exp.cpu(), expected.log_sum_exp), 2e-5) << what;
      EXPECT_LT(relative_error(result.entropy.cpu(), expected.entropy), 1e-4) << what;
      const double limit = gradient_limit(type);
      EXPECT_LT(relative_error(dx.cpu(), gradients[0], testing::free_part(type)), limit) << what;
      EXPECT_LT(relative_error(weight.gradient.cpu(), gradients[1], testing::free_part(type)), limit) << what;
    }
  }
}

TEST_F(CudaLoss, SoftmaxRowsShowNaNAndIgnoreMaskedLogits) {
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  at::Tensor logits = random_tensor({4, 1000}, 1);
  logits[1][7] = std::nanf("");
  logits[2].fill_(-kInfinity);
  logits[2][3] = 1.0f;
  logits[3][0] = kInfinity;
  const at::Tensor targets = at::full({4}, 3, at::kLong), rows = at::zeros({4});
  at::Tensor device_logits = on_gpu(logits, at::kFloat), log_probability = on_gpu(rows, at::kFloat), entropy = on_gpu(rows, at::kFloat);
  cuda_->softmax_rows(device_logits, on_gpu(targets, at::kLong), 1.0, on_gpu(at::full({4}, -1.0), at::kFloat), log_probability, {}, entropy, device_logits);
  EXPECT_TRUE(std::isfinite(log_probability[0].item<float>()));
  EXPECT_FALSE(std::isfinite(log_probability[1].item<float>()));
  EXPECT_EQ(log_probability[2].item<float>(), 0.0f);
  EXPECT_EQ(entropy[2].item<float>(), 0.0f);
  EXPECT_FALSE(std::isfinite(log_probability[3].item<float>()));
  EXPECT_TRUE(device_logits[2].eq(0.0).all().item<bool>()) << "a certain target has no gradient";
}

TEST_F(CudaLoss, AdamWEqualsThePlainFormula) {
  for (const std::int64_t count : {std::int64_t{0}, std::int64_t{1}, std::int64_t{1023}, std::int64_t{100000}}) {
    for (const at::ScalarType moments : kTypes) {
      const at::Tensor master0 = random_tensor({count}, 1), gradient0 = random_tensor({count}, 2);
      at::Tensor master = on_gpu(master0, at::kFloat), m = on_gpu(at::zeros({count}), moments), v = on_gpu(at::zeros({count}), moments);
      at::Tensor compute = on_gpu(at::zeros({count}), at::kBFloat16);
      at::Tensor master1 = exact(master0, at::kFloat), m1 = at::zeros({count}, at::kDouble), v1 = at::zeros({count}, at::kDouble), none;
      for (int step = 1; step <= 5; ++step) {
        const AdamWStep options{.learning_rate = 1e-2, .beta1 = 0.9, .beta2 = 0.95, .eps = 1e-8, .weight_decay = 0.1, .step = step, .gradient_factor = 0.5};
        adamw_(master, on_gpu(gradient0 / step, at::kFloat), m, v, compute, options);
        reference::adamw_(master1, (gradient0 / step).to(at::kFloat).to(at::kDouble), m1, v1, none, options);
      }
      // bfloat16 moments: an update carries two roundings, at most 5 * 1e-2 * 2 / 256 = 4e-4 of a weight of size 1.
      EXPECT_LT(relative_error(master.cpu(), master1), moments == at::kFloat ? 1e-5 : 4e-3) << count;
      EXPECT_TRUE(compute.equal(master.to(at::kBFloat16)));
    }
  }
}

TEST_F(CudaLoss, SumOfSquaresIsDoubleAndRepeatable) {
  for (const std::int64_t count : {std::int64_t{0}, std::int64_t{1}, std::int64_t{1000003}}) {
    const at::Tensor values = random_tensor({count}, 1), device_values = on_gpu(values, at::kFloat);
    const double expected = count == 0 ? 0.0 : values.to(at::kDouble).square().sum().item<double>(), actual = sum_of_squares(device_values);
    EXPECT_NEAR(actual, expected, 1e-12 * expected);  // 1e6 additions of like sign in double
    EXPECT_EQ(actual, sum_of_squares(device_values));
  }
  EXPECT_FALSE(std::isfinite(sum_of_squares(on_gpu(at::full({5000}, std::nan("")), at::kFloat))));
}

// The CPU's masked head is compared with a vocabulary without the masked ids (tests/kernels/linear_cross_entropy_test.cpp); here the GPU with the CPU.
TEST_F(CudaLoss, MaskedIdsAreAsOnTheCpu) {
  const at::Tensor x0 = random_tensor({90, 32}, 1), w0 = random_tensor({100, 32}, 2, 0.3), masked = at::tensor({0, 7, 99}, at::kLong);
  const at::Tensor targets = at::arange(90, at::kLong).add(8);  // no masked id
  Parameter gpu_weight = gpu_parameter("head", w0, at::kFloat), weight = testing::make_parameter("head", w0);
  const Head gpu_head{&gpu_weight, nullptr, 0.125, on_gpu(masked, at::kLong)}, head{&weight, nullptr, 0.125, masked};
  const at::Tensor gpu_x = gpu_leaf(x0, at::kFloat), x = x0.clone().requires_grad_(true);
  const at::Tensor gpu_loss = next_token_loss(gpu_x, gpu_head, on_gpu(targets, at::kLong), 1.0), loss = next_token_loss(x, head, targets, 1.0);
  gpu_loss.backward();
  loss.backward();
  EXPECT_NEAR(gpu_loss.item<double>(), loss.item<double>(), 1e-5 * loss.item<double>());
  EXPECT_LT(relative_error(gpu_x.grad().cpu(), x.grad()), testing::allowed(at::kFloat));
  EXPECT_LT(relative_error(gpu_weight.gradient.cpu(), weight.gradient), testing::allowed(at::kFloat));
  EXPECT_EQ(gpu_weight.gradient.cpu().index_select(0, masked).abs().sum().item<float>(), 0.0F);
  EXPECT_TRUE(last_logits(gpu_x.detach(), gpu_head).cpu().index_select(1, masked).eq(std::numeric_limits<float>::lowest()).all().item<bool>());
}

}  // namespace
}  // namespace phidias::kernels
