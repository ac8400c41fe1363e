#include "kernels/attention.h"

#include <ATen/Parallel.h>
#include <ATen/ops/cos.h>
#include <ATen/ops/sin.h>

#include "base/error.h"
#include "kernels/reference/reference.h"
#include "tests/kernels/support.h"

namespace phidias::kernels {
namespace {

using testing::bit_equal;
using testing::random_tensor;
using testing::relative_error;

struct Case {
  std::string name;
  std::vector<std::int64_t> lengths;
  AttentionShape shape;
};

AttentionShape shape(std::int64_t heads, std::int64_t kv_heads, std::int64_t head_dim, std::int64_t rotary_dim, std::int64_t window) {
  return {heads, kv_heads, head_dim, rotary_dim, window, 1.0 / std::sqrt(static_cast<double>(head_dim))};
}

struct Inputs {
  at::Tensor qkv, cos, sin, d_out;
  PackedBatch batch;
};

Inputs make_inputs(const Case& c) {
  std::int64_t tokens = 0;
  for (const std::int64_t length : c.lengths) tokens += length;
  const at::Tensor angle = random_tensor({tokens, c.shape.rotary_dim / 2}, 2, 2.0);
  return {random_tensor({tokens, (c.shape.heads + 2 * c.shape.kv_heads) * c.shape.head_dim}, 1), 1.19 * at::cos(angle), 1.19 * at::sin(angle),
          random_tensor({tokens, c.shape.heads * c.shape.head_dim}, 3), testing::make_batch(c.lengths)};
}

struct Result {
  at::Tensor out, d_qkv;
};

Result run(const Inputs& in, const AttentionShape& shape, at::ScalarType type) {
  const at::Tensor qkv = in.qkv.to(type, false, true).requires_grad_(true);
  const at::Tensor out = packed_attention(qkv, in.cos, in.sin, in.batch, shape);
  const auto gradients = torch::autograd::grad({out}, {qkv}, {in.d_out.to(type)});
  return {out.detach(), gradients[0]};
}

// The unfused formula in the given type, differentiated by autograd. Inputs are rounded to `rounded_to` first.
Result run_reference(const Inputs& in, const AttentionShape& shape, at::ScalarType type, at::ScalarType rounded_to) {
  const at::Tensor qkv = in.qkv.to(rounded_to).to(type, false, true).requires_grad_(true);
  const at::Tensor out = reference::packed_attention(qkv, in.cos.to(type), in.sin.to(type), testing::ranges(in.batch), shape);
  const auto gradients = torch::autograd::grad({out}, {qkv}, {in.d_out.to(rounded_to).to(type)});
  return {out.detach(), gradients[0]};
}

class Attention : public ::testing::TestWithParam<Case> {};

TEST_P(Attention, EqualsTheUnfusedFormulaInDoubleAndItsSlowTwin) {
  const Inputs in = make_inputs(GetParam());
  const Result exact = run_reference(in, GetParam().shape, at::kDouble, at::kFloat), twin = run_reference(in, GetParam().shape, at::kFloat, at::kFloat);
  const Result fast = run(in, GetParam().shape, at::kFloat);
  const double tolerance = testing::kFloatTolerance;
  EXPECT_LT(relative_error(fast.out, exact.out), tolerance);
  EXPECT_LT(relative_error(fast.d_qkv, exact.d_qkv), tolerance);
  EXPECT_LT(relative_error(fast.out, twin.out), 2 * tolerance);  // both are off
  EXPECT_LT(relative_error(fast.d_qkv, twin.d_qkv), 2 * tolerance);
}

TEST_P(Attention, InBfloat16EqualsDoubleOnTheRoundedInputs) {
  const Inputs in = make_inputs(GetParam());
  const Result exact = run_reference(in, GetParam().shape, at::kDouble, at::kBFloat16), fast = run(in, GetParam().shape, at::kBFloat16);
  // Everything between input and output is float32: one rounding. The gradient takes D = dO . O from the rounded output: head_dim products
  // off by 2^-9 of their size each. That enters dQ and dK of rows that see few keys, the largest of all, where it is some percent of the mean entry.
  EXPECT_LT(relative_error(fast.out, exact.out, testing::kBfloat16Rounding), testing::kFloatTolerance);
  EXPECT_LT(relative_error(fast.d_qkv, exact.d_qkv, testing::kBfloat16Rounding), 8e-2);
}

INSTANTIATE_TEST_SUITE_P(Shapes, Attention,
                         ::testing::Values(Case{"OneHead32", {5}, shape(1, 1, 32, 32, 0)}, Case{"Mixed64", {1, 130, 7, 300, 1}, shape(4, 4, 64, 64, 0)},
                                           Case{"GroupsOf4Head96", {65, 1, 129}, shape(8, 2, 96, 96, 0)},
                                           Case{"Head80PartialRotary", {40, 33}, shape(3, 1, 80, 32, 0)}, Case{"Head128", {200, 3}, shape(2, 1, 128, 128, 0)},
                                           Case{"OddHead20", {50, 17}, shape(2, 2, 20, 12, 0)}, Case{"Window1", {33, 200}, shape(2, 1, 32, 32, 1)},
                                           Case{"Window3", {1, 2, 3, 4, 300}, shape(4, 2, 64, 64, 3)}, Case{"Window150", {700, 20}, shape(2, 2, 32, 32, 150)},
                                           Case{"WindowBeyondDocument", {100, 64}, shape(2, 1, 64, 64, 5000)},
                                           Case{"LongerThanAKeyBlock", {1100}, shape(2, 1, 32, 16, 0)}, Case{"LongWindow", {1300}, shape(1, 1, 32, 32, 600)},
                                           Case{"NoTokens", {}, shape(2, 1, 32, 32, 0)}),
                         [](const auto& info) { return info.param.name; });

TEST(AttentionThreads, ResultsDoNotDependOnTheThreadCountNorOnTheRun) {
  const Case c{"", {700, 40, 300}, shape(2, 1, 64, 64, 0)};
  const Inputs in = make_inputs(c);
  const int threads = at::get_num_threads();
  std::vector<Result> results;
  for (const int count : {1, 2, 3, 1}) {
    at::set_num_threads(count);
    results.push_back(run(in, c.shape, at::kFloat));
  }
  at::set_num_threads(threads);
  for (const Result& result : results) {
    EXPECT_TRUE(bit_equal(result.out, results[0].out));
    EXPECT_TRUE(bit_equal(result.d_qkv, results[0].d_qkv));
  }
}

TEST(Attention, LargeScoresStayFinite) {
  Case c{"", {150}, shape(1, 1, 32, 32, 0)};
  Inputs in = make_inputs(c);
  in.qkv.mul_(30.0);
  const Result fast = run(in, c.shape, at::kFloat), exact = run_reference(in, c.shape, at::kDouble, at::kFloat);
  // Scores of some thousands: float32 rounds them by 2^-12, which the exponential turns into as large a relative error.
  EXPECT_LT(relative_error(fast.out, exact.out), 2e-2);
  EXPECT_TRUE(fast.d_qkv.isfinite().all().item<bool>());
}

TEST(Attention, RefusesSharedPrompts) {
  PackedBatch batch = testing::make_batch({4, 4});
  batch.segments[1].parent = 0;
  const at::Tensor qkv = random_tensor({8, 96}, 1), table = random_tensor({8, 16}, 2);
  EXPECT_THROW(packed_attention(qkv, table, table, batch, shape(1, 1, 32, 32, 0)), ConfigError);
}

}  // namespace
}  // namespace phidias::kernels
