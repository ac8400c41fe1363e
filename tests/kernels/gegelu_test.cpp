#include "kernels/gegelu.h"

#include <ATen/Parallel.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/clamp.h>
#include <ATen/ops/sigmoid.h>
#include <ATen/ops/tensor.h>

#include <limits>

#include "kernels/reference/reference.h"
#include "tests/kernels/support.h"

namespace phidias::kernels {
namespace {

using testing::bit_equal;
using testing::random_tensor;
using testing::relative_error;

constexpr double kLimit = 1.5;  // clamps a sixteenth of the gates and an eighth of the linear values drawn here

// The formula in double, differentiated by autograd.
at::Tensor exact_gegelu(const at::Tensor& gate_up, double limit) {
  const at::Tensor pairs = gate_up.unflatten(1, {-1, 2});
  const at::Tensor g = at::clamp(pairs.select(2, 0), std::nullopt, limit), l = at::clamp(pairs.select(2, 1), -limit, limit);
  return g * at::sigmoid(g * 1.702) * (l + 1.0);
}

struct Result {
  at::Tensor y, d_gate_up;
};

Result run(const at::Tensor& input, const at::Tensor& dy, at::ScalarType type) {
  const at::Tensor gate_up = input.to(type, false, true).requires_grad_(true), y = gegelu(gate_up, kLimit);
  return {y.detach(), torch::autograd::grad({y}, {gate_up}, {dy.to(type)})[0]};
}

TEST(Gegelu, HasTheCheckValuesOfTheReleasedModel) {
  const at::NoGradGuard no_gradients;
  const at::Tensor out = gegelu(at::tensor({1.0F, 0.5F, -1.0F, 0.5F, 25.0F, 30.0F, 0.0F, 3.0F}).view({1, 8}), 20.0)[0];
  const std::vector<double> expected{1.26869365, -0.23130635, 420.0, 0.0};
  for (int i = 0; i < 4; ++i) EXPECT_NEAR(out[i].item<double>(), expected[static_cast<std::size_t>(i)], 1e-6 * std::abs(expected[static_cast<std::size_t>(i)]));
}

TEST(Gegelu, AndItsGradientEqualDoubleAndTheSlowTwinForEveryWidth) {
  for (const auto& [rows, width] : {std::pair<std::int64_t, std::int64_t>{1, 1}, {3, 7}, {5, 16}, {40, 33}, {7, 100}, {64, 512}, {0, 8}}) {
    const at::Tensor input = random_tensor({rows, 2 * width}, 1), dy = random_tensor({rows, width}, 2);
    for (const at::ScalarType type : {at::kFloat, at::kBFloat16}) {
      const at::Tensor exact_in = input.to(type).to(at::kDouble).requires_grad_(true), y = exact_gegelu(exact_in, kLimit);
      const at::Tensor d_exact = torch::autograd::grad({y}, {exact_in}, {dy.to(type).to(at::kDouble)})[0];
      const Result fast = run(input, dy, type);
      const double free = type == at::kFloat ? 0 : testing::kBfloat16Rounding;  // arithmetic is float32: one rounding
      EXPECT_LT(relative_error(fast.y, y, free), testing::kFloatTolerance) << rows << " x " << width;
      EXPECT_LT(relative_error(fast.d_gate_up, d_exact, free), testing::kFloatTolerance) << rows << " x " << width;
      EXPECT_LT(relative_error(reference::gegelu(input.to(type), kLimit), y, free), testing::kFloatTolerance);
      EXPECT_LT(relative_error(reference::gegelu_backward(dy.to(type), input.to(type), kLimit), d_exact, free), testing::kFloatTolerance);
    }
  }
}

TEST(Gegelu, GivesClampedValuesNoGradient) {
  const at::Tensor gate_up = at::tensor({5.0F, 0.5F, 0.5F, 5.0F, 0.5F, -5.0F, -5.0F, 0.5F}).view({1, 8}).requires_grad_(true);
  const at::Tensor d = torch::autograd::grad({gegelu(gate_up, 2.0).sum()}, {gate_up})[0][0];
  for (const int clamped : {0, 3, 5}) EXPECT_EQ(d[clamped].item<float>(), 0.0F) << clamped;
  for (const int passed : {1, 2, 4, 6, 7}) EXPECT_NE(d[passed].item<float>(), 0.0F) << passed;  // no lower bound for a gate
}

TEST(Gegelu, LeavesInfinityAndNaNAlone) {
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  const at::NoGradGuard no_gradients;
  const at::Tensor out = gegelu(at::tensor({kInfinity, 1.0F, 1.0F, kInfinity, 1.0F, -kInfinity, std::nanf(""), 1.0F}).view({1, 8}), 2.0)[0];
  EXPECT_EQ(out[0].item<float>(), kInfinity);
  EXPECT_EQ(out[1].item<float>(), kInfinity);
  EXPECT_EQ(out[2].item<float>(), -kInfinity);
  EXPECT_TRUE(std::isnan(out[3].item<float>()));
  EXPECT_NEAR(gegelu(at::tensor({40.0F, 9.0F}).view({1, 2}), kInfinity)[0].item<double>(), 400.0, 1e-4);  // an infinite limit clamps nothing
}

TEST(Gegelu, DoesNotDependOnTheThreadCount) {
  const at::Tensor input = random_tensor({300, 260}, 1), dy = random_tensor({300, 130}, 2);
  const int threads = at::get_num_threads();
  const Result whole = run(input, dy, at::kFloat);
  at::set_num_threads(1);
  const Result alone = run(input, dy, at::kFloat);
  at::set_num_threads(threads);
  EXPECT_TRUE(bit_equal(whole.y, alone.y));
  EXPECT_TRUE(bit_equal(whole.d_gate_up, alone.d_gate_up));
}

}  // namespace
}  // namespace phidias::kernels
