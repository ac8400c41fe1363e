// Generation: the cache, one token at a time, against packed attention over the whole documents; and the product of few rows.
#include <ATen/core/grad_mode.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/cos.h>
#include <ATen/ops/linear.h>
#include <ATen/ops/log_softmax.h>
#include <ATen/ops/sin.h>
#include <c10/core/InferenceMode.h>

#include "kernels/attention.h"
#include "kernels/linear.h"
#include "kernels/reference/reference.h"
#include "kernels/token_choice.h"
#include "tests/kernels/support.h"

namespace phidias::kernels {
namespace {

using testing::random_tensor;
using testing::relative_error;

struct Case {
  std::string name;
  AttentionShape shape;
  at::ScalarType type;
};

AttentionShape shape(std::int64_t heads, std::int64_t kv_heads, std::int64_t head_dim, std::int64_t rotary_dim, std::int64_t window) {
  return {heads, kv_heads, head_dim, rotary_dim, window, 1.0 / std::sqrt(static_cast<double>(head_dim))};
}

AttentionShape sparse(AttentionShape dense, BlockSparsePattern pattern) {
  dense.layout = QkvLayout::grouped;
  dense.sparse = pattern;
  return dense;
}

class Decoding : public ::testing::TestWithParam<Case> {};

// Prefills all but the last `steps` tokens of every document, then decodes them; slots are given in another order than the documents.
TEST_P(Decoding, TokenByTokenEqualsPackedAttentionOverTheWholeDocuments) {
  const AttentionShape& s = GetParam().shape;
  const at::ScalarType type = GetParam().type;
  const std::vector<std::int64_t> lengths{70, 9, 33}, slots{2, 0, 3};
  const std::int64_t steps = 5, width = (s.heads + 2 * s.kv_heads) * s.head_dim, capacity = 80;
  std::int64_t tokens = 0;
  for (const std::int64_t length : lengths) tokens += length;
  const at::Tensor qkv = random_tensor({tokens, width}, 1).to(type), angle = random_tensor({tokens, s.rotary_dim / 2}, 2, 2.0);
  const at::Tensor cos = at::cos(angle), sin = at::sin(angle);
  const c10::InferenceMode inference;
  const at::Tensor whole = packed_attention(qkv, cos, sin, testing::make_batch(lengths), s);

  // Stale contents of a slot must not matter: the cache starts as NaN.
  KeyValueCache cache{at::full({4, s.kv_heads, capacity, s.head_dim}, std::nan(""), type), at::full({4, s.kv_heads, capacity, s.head_dim}, std::nan(""), type)};
  std::vector<std::int64_t> begins, prompts;
  std::vector<at::Tensor> prompt_rows;
  for (std::int64_t begin = 0; const std::int64_t length : lengths) {
    begins.push_back(begin);
    prompts.push_back(length - steps);
    for (std::int64_t i = 0; i < length - steps; ++i) prompt_rows.push_back(at::full({1}, begin + i, at::kLong));
    begin += length;
  }
  const at::Tensor rows = at::cat(prompt_rows);
  store_keys_values(qkv.index_select(0, rows), cos.index_select(0, rows), sin.index_select(0, rows), testing::make_batch(prompts), slots, s, cache);
  for (std::int64_t step = 0; step < steps; ++step) {
    std::vector<at::Tensor> next;
    std::vector<std::int64_t> cached;
    for (std::size_t d = 0; d < lengths.size(); ++d) {
      cached.push_back(prompts[d] + step);
      next.push_back(at::full({1}, begins[d] + cached[d], at::kLong));
    }
    const at::Tensor index = at::cat(next), x = qkv.index_select(0, index), c = cos.index_select(0, index), n = sin.index_select(0, index);
    KeyValueCache twin_cache{cache.keys.clone(), cache.values.clone()};
    const at::Tensor twin = reference::decode_attention(x, c, n, slots, cached, s, twin_cache), out = decode_attention(x, c, n, slots, cached, s, cache);
    // bfloat16: the cached keys are rounded after their rotation, which moves scores of size 1 by 2^-9 in a sum of head_dim products.
    const double tolerance = type == at::kFloat ? testing::kFloatTolerance : 4e-2;
    EXPECT_LT(relative_error(out, whole.index_select(0, index), type == at::kFloat ? 0 : 3 * testing::kBfloat16Rounding), tolerance) << "step " << step;
    EXPECT_LT(relative_error(out, twin, type == at::kFloat ? 0 : 3 * testing::kBfloat16Rounding), tolerance) << "step " << step;
    for (std::size_t d = 0; d < lengths.size(); ++d) {
      const auto written = [&](const KeyValueCache& k) { return at::cat({k.keys[slots[d]].select(1, cached[d]), k.values[slots[d]].select(1, cached[d])}); };
      EXPECT_LT(relative_error(written(cache), written(twin_cache), type == at::kFloat ? 0 : 2 * testing::kBfloat16Rounding), 1e-5);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Shapes, Decoding,
                         ::testing::Values(Case{"Head32", shape(4, 4, 32, 32, 0), at::kFloat}, Case{"GroupsHead96", shape(4, 1, 96, 96, 0), at::kFloat},
                                           Case{"Head80PartialRotary", shape(2, 2, 80, 32, 0), at::kFloat},
                                           Case{"OddHead20", shape(2, 1, 20, 12, 0), at::kFloat}, Case{"Window1", shape(2, 2, 32, 32, 1), at::kFloat},
                                           Case{"Window7", shape(4, 2, 64, 64, 7), at::kFloat}, Case{"Bfloat16", shape(4, 2, 64, 64, 0), at::kBFloat16},
                                           Case{"Bfloat16Window", shape(2, 1, 96, 48, 20), at::kBFloat16},
                                           Case{"Grouped", sparse(shape(6, 2, 32, 32, 0), {}), at::kFloat},
                                           Case{"SparseBlocksOf8", sparse(shape(8, 2, 32, 32, 0), {8, 2, 4, 1}), at::kFloat},
                                           Case{"SparseBlocksOf5", sparse(shape(4, 4, 20, 12, 0), {5, 1, 3, 1}), at::kFloat},
                                           Case{"SparseWithWindow", sparse(shape(4, 1, 64, 64, 30), {8, 1, 3, 2}), at::kFloat},
                                           Case{"SparseBfloat16", sparse(shape(4, 2, 64, 64, 0), {16, 1, 2, 1}), at::kBFloat16}),
                         [](const auto& info) { return info.param.name; });

TEST(SkinnyProduct, EqualsDoubleForEveryRowCountAndAwkwardWidths) {
  const at::NoGradGuard no_grad;
  for (const at::ScalarType type : {at::kFloat, at::kBFloat16}) {
    for (const auto& [in, out] : {std::pair<std::int64_t, std::int64_t>{64, 48}, {100, 33}, {7, 1}, {1031, 65}, {512, 512}}) {
      Parameter weight = testing::make_parameter("w", random_tensor({out, in}, 2).to(type)),
                bias = testing::make_parameter("b", random_tensor({out}, 3).to(type));
      for (std::int64_t rows = 1; rows <= 17; ++rows) {
        const at::Tensor x = random_tensor({rows, in}, 1).to(type);
        const at::Tensor exact = at::linear(x.to(at::kDouble), weight.value.to(at::kDouble), bias.value.to(at::kDouble));
        // bfloat16: one rounding (row 17 takes torch's product, which may round partial sums).
        const double free = type == at::kFloat ? 0 : testing::kBfloat16Rounding, limit = type == at::kFloat ? testing::kFloatTolerance
                                                                                         : rows <= 16       ? 1e-5
                                                                                                            : 2e-2;
        EXPECT_LT(relative_error(linear(x, weight, &bias), exact, free), limit) << rows << " x " << in << " -> " << out;
      }
    }
  }
}

TEST(TokenChoice, IsTheFirstOfTheLargestForEveryPlaceAndWidth) {
  for (const std::int64_t vocab : {1, 7, 16, 33, 1000}) {
    const at::Tensor logits = random_tensor({vocab, vocab}, 4).sub(10.0);
    for (std::int64_t row = 0; row < vocab; ++row) {
      logits[row][row] = 5.0;
      logits[row][vocab - 1] = 5.0;  // an equal one behind it is not taken
    }
    const at::Tensor tokens = likeliest_tokens(logits);
    for (std::int64_t row = 0; row < vocab; ++row) ASSERT_EQ(tokens[row].item<std::int64_t>(), row) << vocab;
  }
}

TEST(TokenChoice, LogProbabilitiesEqualDoubleAndLeaveTheLogits) {
  for (const std::int64_t vocab : {1, 33, 32064}) {
    const at::Tensor logits = random_tensor({3, vocab}, 5, 4.0), before = logits.clone(), tokens = likeliest_tokens(logits);
    const at::Tensor exact = at::log_softmax(logits.to(at::kDouble), 1).gather(1, tokens.unsqueeze(1)).squeeze(1);
    // Sums of float32 exponentials with a relative error of 2e-7 each, and one rounding of a logarithm of about 16.
    EXPECT_LT((log_probabilities(logits, tokens).to(at::kDouble) - exact).abs().max().item<double>(), 3e-6) << vocab;
    EXPECT_TRUE(logits.equal(before));
  }
}

}  // namespace
}  // namespace phidias::kernels
