#include "kernels/adamw.h"

#include <ATen/Parallel.h>
#include <ATen/ops/_fused_adamw.h>
#include <ATen/ops/zeros.h>
#include <ATen/ops/zeros_like.h>

#include "kernels/reference/reference.h"
#include "tests/kernels/support.h"

namespace phidias::kernels {
namespace {

using testing::bit_equal;
using testing::random_tensor;
using testing::relative_error;

AdamWStep step_number(std::int64_t t) {
  return {.learning_rate = 3e-3, .beta1 = 0.9, .beta2 = 0.95, .eps = 1e-8, .weight_decay = 0.1, .step = t, .gradient_factor = 0.7};
}

struct State {
  at::Tensor master, exp_avg, exp_avg_sq, compute;
};
State make_state(std::int64_t n, at::ScalarType moments = at::kFloat, bool compute = false) {
  const at::Tensor master = random_tensor({n}, 1);
  return {master, at::zeros({n}, moments), at::zeros({n}, moments), compute ? at::zeros({n}, at::kBFloat16) : at::Tensor()};
}

// The same steps with torch's own fused optimizer on the clipped gradient.
void torch_step(State& s, const at::Tensor& gradient, const AdamWStep& step) {
  const at::Tensor clipped = gradient * step.gradient_factor, count = at::full({}, static_cast<double>(step.step), at::kFloat);
  at::_fused_adamw_({s.master}, {clipped}, {s.exp_avg}, {s.exp_avg_sq}, {}, {count}, step.learning_rate, step.beta1, step.beta2, step.weight_decay, step.eps,
                    false, false);
}

TEST(AdamW, FollowsTorchsFusedOptimizerAndTheFormulasForTwentySteps) {
  for (const std::int64_t n : {1, 15, 4097, 100000}) {
    State ours = make_state(n), torchs = make_state(n), formulas = make_state(n);
    for (std::int64_t t = 1; t <= 20; ++t) {
      const at::Tensor gradient = random_tensor({n}, 100 + static_cast<std::uint64_t>(t), 0.1);
      adamw_(ours.master, gradient, ours.exp_avg, ours.exp_avg_sq, ours.compute, step_number(t));
      torch_step(torchs, gradient, step_number(t));
      reference::adamw_(formulas.master, gradient, formulas.exp_avg, formulas.exp_avg_sq, formulas.compute, step_number(t));
    }
    // Twenty updates, each rounded at 6e-8 of a weight of up to 4.5 times the mean size: 5.4e-6 at worst.
    EXPECT_LT(relative_error(ours.master, torchs.master), 5.4e-6);
    EXPECT_LT(relative_error(ours.master, formulas.master), 5.4e-6);
    EXPECT_LT(relative_error(ours.exp_avg, torchs.exp_avg), 5e-6);
    EXPECT_LT(relative_error(ours.exp_avg_sq, torchs.exp_avg_sq), 5e-6);
  }
}

TEST(AdamW, KeepsBfloat16MomentsAndWritesTheComputeCopy) {
  State ours = make_state(5000, at::kBFloat16, true), formulas = make_state(5000, at::kBFloat16, true);
  for (std::int64_t t = 1; t <= 5; ++t) {
    const at::Tensor gradient = random_tensor({5000}, static_cast<std::uint64_t>(t), 0.1);
    adamw_(ours.master, gradient, ours.exp_avg, ours.exp_avg_sq, ours.compute, step_number(t));
    reference::adamw_(formulas.master, gradient, formulas.exp_avg, formulas.exp_avg_sq, formulas.compute, step_number(t));
  }
  // Where float32 rounding differs, a moment may round to the other bfloat16 neighbour: the step then differs by 2^-8 of 3e-3.
  EXPECT_LT(relative_error(ours.master, formulas.master), 5e-5);
  EXPECT_TRUE(bit_equal(ours.compute, ours.master.to(at::kBFloat16)));
  EXPECT_LT(relative_error(ours.exp_avg, formulas.exp_avg, testing::kBfloat16Rounding * 2), 1e-5);
}

TEST(AdamW, AZeroGradientDecaysOnly) {
  State s = make_state(100);
  const at::Tensor before = s.master.clone();
  adamw_(s.master, at::zeros({100}, at::kFloat), s.exp_avg, s.exp_avg_sq, s.compute, step_number(1));
  EXPECT_LT(relative_error(s.master, before * (1 - 3e-4)), 2e-7);
}

TEST(AdamW, GivesTheSameBitsOnAnyNumberOfThreadsAndInAnyDivision) {
  const std::int64_t n = 70001;
  const at::Tensor gradient = random_tensor({n}, 5);
  const int threads = at::get_num_threads();
  std::vector<State> states;
  for (const int count : {1, 2, 3}) {
    at::set_num_threads(count);
    states.push_back(make_state(n));
    adamw_(states.back().master, gradient, states.back().exp_avg, states.back().exp_avg_sq, states.back().compute, step_number(1));
  }
  at::set_num_threads(threads);
  State parts = make_state(n);  // as two ranks would do it, cut at a place that is no multiple of a vector
  for (const auto& [begin, count] : {std::pair<std::int64_t, std::int64_t>{0, 33333}, {33333, n - 33333}}) {
    at::Tensor master = parts.master.narrow(0, begin, count), m = parts.exp_avg.narrow(0, begin, count), v = parts.exp_avg_sq.narrow(0, begin, count), none;
    adamw_(master, gradient.narrow(0, begin, count), m, v, none, step_number(1));
  }
  EXPECT_TRUE(bit_equal(states[0].master, states[1].master) && bit_equal(states[0].master, states[2].master));
  EXPECT_TRUE(bit_equal(states[0].master, parts.master));
}

TEST(SumOfSquares, IsExactInDoubleAndIndependentOfThreads) {
  const int threads = at::get_num_threads();
  for (const std::int64_t n : {0, 1, 17, 65536, 200003}) {
    const at::Tensor x = random_tensor({n}, 9, 1e-3);
    std::vector<double> sums;
    for (const int count : {1, 2, 3}) {
      at::set_num_threads(count);
      sums.push_back(sum_of_squares(x));
    }
    EXPECT_TRUE(sums[0] == sums[1] && sums[0] == sums[2]) << n;
    EXPECT_NEAR(sums[0], reference::sum_of_squares(x), 1e-12 * sums[0]) << n;  // sums of doubles in another order
  }
  at::set_num_threads(threads);
}

TEST(SumOfSquares, IsNotFiniteWhereAnElementIsNot) {
  const at::Tensor x = random_tensor({1000}, 1);
  x[777].fill_(INFINITY);
  EXPECT_TRUE(std::isinf(sum_of_squares(x)));
  x[5].fill_(std::nan(""));
  EXPECT_TRUE(std::isnan(sum_of_squares(x)));
}

}  // namespace
}  // namespace phidias::kernels
