#include "kernels/attention.h"

#include <ATen/Parallel.h>
#include <ATen/core/grad_mode.h>
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

AttentionShape sparse(AttentionShape dense, std::int64_t block_size, std::int64_t local_blocks, std::int64_t vertical_stride, std::int64_t head_step) {
  dense.sparse = {block_size, local_blocks, vertical_stride, head_step};
  return dense;
}
AttentionShape grouped(AttentionShape separate) {
  separate.layout = QkvLayout::grouped;
  return separate;
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
                                           Case{"NoTokens", {}, shape(2, 1, 32, 32, 0)}, Case{"GroupedRows", {70, 1, 20}, grouped(shape(6, 2, 32, 32, 0))},
                                           Case{"GroupedWithoutGroups", {40}, grouped(shape(3, 3, 20, 12, 5))},
                                           Case{"SparseBlocks64", {900, 1, 130}, grouped(sparse(shape(8, 2, 32, 32, 0), 64, 2, 4, 1))},
                                           Case{"SparseBlocksOf16", {333, 15, 17}, sparse(shape(4, 2, 32, 32, 0), 16, 3, 5, 2)},
                                           Case{"SparseBlocksOf7", {100, 50}, grouped(sparse(shape(4, 1, 20, 12, 0), 7, 1, 3, 1))},
                                           Case{"SparseBlocksOf1", {90}, sparse(shape(2, 1, 32, 32, 0), 1, 4, 6, 1)},
                                           Case{"SparseBlocksOf100", {730}, sparse(shape(3, 1, 32, 32, 0), 100, 2, 3, 1)},
                                           Case{"SparseBlocksLargerThanAKeyBlock", {1300}, sparse(shape(2, 1, 32, 32, 0), 530, 1, 2, 1)},
                                           Case{"SparseAllHeadsAlike", {300}, sparse(shape(4, 2, 32, 32, 0), 32, 2, 4, 0)},
                                           Case{"SparseEveryColumn", {300}, sparse(shape(2, 1, 32, 32, 0), 32, 1, 1, 1)},
                                           Case{"SparseWithWindow", {500, 20}, sparse(shape(2, 1, 32, 32, 150), 32, 2, 4, 1)},
                                           Case{"SparseNoTokens", {}, grouped(sparse(shape(2, 1, 32, 32, 0), 64, 2, 4, 1))}),
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

TEST(AttentionThreads, SparseResultsDoNotDependOnTheThreadCount) {
  for (const std::int64_t block : {16, 64, 100, 300}) {
    const Case c{"", {900}, grouped(sparse(shape(2, 1, 32, 32, 0), block, 2, 4, 1))};
    const Inputs in = make_inputs(c);
    const int threads = at::get_num_threads();
    std::vector<Result> results;
    for (const int count : {1, 2, 3}) {
      at::set_num_threads(count);
      results.push_back(run(in, c.shape, at::kFloat));
    }
    at::set_num_threads(threads);
    for (const Result& result : results) {
      EXPECT_TRUE(bit_equal(result.out, results[0].out)) << block;
      EXPECT_TRUE(bit_equal(result.d_qkv, results[0].d_qkv)) << block;
    }
  }
}

// Phi-3-small: blocks of 64, 16 local ones, every 8th column, 32 heads (phi-3-small's triton kernel; numbers counted by hand).
TEST(BlockSparsePattern, ShowsTheBlocksOfTheReleasedModel) {
  const BlockSparsePattern pattern{64, 16, 8, 1};
  const auto seen_before_local = [&](std::int64_t head) {
    std::vector<std::int64_t> blocks;
    for (std::int64_t j = 0; j < 25; ++j)
      if (pattern.sees(head, 40, j)) blocks.push_back(j);
    for (std::int64_t j = 25; j <= 40; ++j) EXPECT_TRUE(pattern.sees(head, 40, j)) << j;
    EXPECT_FALSE(pattern.sees(head, 40, 41));
    return blocks;
  };
  EXPECT_EQ(seen_before_local(0), (std::vector<std::int64_t>{7, 15, 23}));
  EXPECT_EQ(seen_before_local(1), (std::vector<std::int64_t>{6, 14, 22}));
  EXPECT_EQ(seen_before_local(7), (std::vector<std::int64_t>{0, 8, 16, 24}));
  EXPECT_EQ(seen_before_local(8), seen_before_local(0));
  const std::vector<std::int64_t> pairs{2670, 2684, 2698, 2712, 2726, 2740, 2754, 2768};  // of 8256 causal ones at 8192 tokens
  for (std::int64_t head = 0; head < 8; ++head) {
    std::int64_t count = 0;
    for (std::int64_t i = 0; i < 128; ++i)
      for (std::int64_t j = 0; j <= i; ++j) count += pattern.sees(head, i, j);
    EXPECT_EQ(count, pairs[static_cast<std::size_t>(head)]) << head;
  }
}

// The slow twin's mask is an own formula: keys the pattern hides move nothing, keys it shows do.
TEST(BlockSparsePattern, KeysOfMaskedBlocksMoveNothing) {
  const AttentionShape s = sparse(shape(4, 1, 16, 16, 0), 8, 2, 4, 1);
  Inputs in = make_inputs({"", {96}, s});
  const at::NoGradGuard no_gradients;
  const at::Tensor before = packed_attention(in.qkv, in.cos, in.sin, in.batch, s);
  for (std::int64_t block = 0; block < 12; ++block) {
    at::Tensor changed = in.qkv.clone();
    changed.narrow(0, 8 * block, 8).narrow(1, 4 * 16, 2 * 16).add_(1.0);  // keys and values
    const at::Tensor moved = packed_attention(changed, in.cos, in.sin, in.batch, s).sub(before).abs().view({12, 8, 4, 16});
    for (std::int64_t head = 0; head < 4; ++head)
      for (std::int64_t query = 0; query < 12; ++query)
        EXPECT_EQ(moved[query].select(1, head)[7].max().item<float>() > 0, s.sparse.sees(head, query, block)) << head << " " << query << " " << block;
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
