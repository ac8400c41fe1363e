// Packed attention on a GPU: flash attention (bfloat16) and the path by document (float32) against the explicit masked softmax in float64; generation
// with a cache against the same.
#include <ATen/ops/cos.h>
#include <ATen/ops/sin.h>
#include <ATen/ops/zeros.h>

#include <numeric>

#include "base/error.h"
#include "kernels/attention.h"
#include "kernels/reference/reference.h"
#include "tests/kernels/cuda/cuda_test.h"

namespace phidias::kernels {
namespace {

using testing::exact;
using testing::exact_leaf;
using testing::expect_close;
using testing::gpu_batch;
using testing::gpu_leaf;
using testing::kTypes;
using testing::on_gpu;
using testing::random_tensor;

using Lengths = std::vector<std::int64_t>;

struct Case {
  std::string name;
  Lengths lengths;
  AttentionShape shape;
};

AttentionShape shape(std::int64_t heads, std::int64_t kv_heads, std::int64_t head_dim, std::int64_t window, std::int64_t rotary_dim = 0) {
  return {heads, kv_heads, head_dim, rotary_dim > 0 ? rotary_dim : head_dim, window, 1.0 / std::sqrt(static_cast<double>(head_dim))};
}

AttentionShape grouped(AttentionShape separate, BlockSparsePattern pattern = {}) {
  separate.layout = QkvLayout::grouped;
  separate.sparse = pattern;
  return separate;
}

const std::vector<Case> kCases = {
    {"grouped rows", {70, 1, 20}, grouped(shape(6, 2, 64, 0))},
    {"blocks of 64", {900, 1, 130}, grouped(shape(8, 2, 128, 0), {64, 2, 4, 1})},
    {"blocks of 16", {333, 15, 17}, grouped(shape(4, 2, 96, 0), {16, 3, 5, 2})},
    {"blocks of 100, key heads alone", {730}, grouped(shape(3, 3, 40, 0), {100, 2, 3, 1})},
    {"blocks of 32 and a window", {500, 20}, grouped(shape(2, 1, 64, 150), {32, 2, 4, 1})},
    {"head size 64", {17, 40}, shape(2, 2, 64, 0)},
    {"head size 96, documents of length 1", {1, 1, 130, 1}, shape(4, 4, 96, 0)},
    {"head size 128, grouped queries", {60, 200}, shape(8, 2, 128, 0)},
    {"three query heads per key head", {70}, shape(6, 2, 64, 0)},
    {"window 1 sees itself alone", {50, 3}, shape(2, 1, 96, 1)},
    {"window 3", {50, 1, 4, 3, 2}, shape(2, 2, 96, 3)},
    {"window 127 across a block's edge", {300, 128, 127}, shape(2, 2, 96, 127)},
    {"window 2047 in a document of 2500", {2500, 30}, shape(1, 1, 96, 2047)},
    {"window longer than every document", {100, 90}, shape(2, 2, 96, 2047)},
    {"half of the head rotated", {33, 70}, shape(2, 2, 64, 0, 32)},
    {"head size no multiple of 8", {20, 9}, shape(2, 2, 36, 5)},
    {"medium: 40 heads, 10 key heads", {150, 20}, shape(40, 10, 128, 0)},
};

std::int64_t total(const Lengths& lengths) { return std::accumulate(lengths.begin(), lengths.end(), std::int64_t{0}); }
std::int64_t width(const AttentionShape& s) { return (s.heads + 2 * s.kv_heads) * s.head_dim; }

struct Tables {
  Tables(std::int64_t tokens, const AttentionShape& s) {
    const at::Tensor angle = random_tensor({tokens, s.rotary_dim / 2}, 2, 2.0);
    cos = 1.19 * at::cos(angle);
    sin = 1.19 * at::sin(angle);
  }
  at::Tensor cos, sin;
};

class CudaAttention : public testing::CudaTest {};

TEST_F(CudaAttention, ForwardAndGradientEqualDouble) {
  for (const Case& c : kCases) {
    const std::int64_t tokens = total(c.lengths);
    const at::Tensor qkv0 = random_tensor({tokens, width(c.shape)}, 1), d_out0 = random_tensor({tokens, c.shape.heads * c.shape.head_dim}, 3);
    const Tables tables(tokens, c.shape);
    for (const at::ScalarType type : kTypes) {
      const at::Tensor qkv = gpu_leaf(qkv0, type);
      const at::Tensor out = packed_attention(qkv, on_gpu(tables.cos, at::kFloat), on_gpu(tables.sin, at::kFloat), gpu_batch(c.lengths), c.shape);
      const at::Tensor d_qkv = torch::autograd::grad({out}, {qkv}, {on_gpu(d_out0, type)})[0];
      const at::Tensor qkv1 = exact_leaf(qkv0, type);
      const at::Tensor out1 =
          reference::packed_attention(qkv1, tables.cos.to(at::kDouble), tables.sin.to(at::kDouble), testing::ranges(testing::make_batch(c.lengths)), c.shape);
      // Flash attention rounds rotated queries and keys, probabilities and dS to bfloat16: errors of 1/256 in some terms of each sum, the worst of up to
      // a million entries. float32 goes through CUTLASS's three-term TF32.
      const double limit = type == at::kFloat ? 2e-4 : 8e-2;
      EXPECT_LT(testing::relative_error(out.cpu(), out1, testing::free_part(type)), limit) << c.name << ", " << c10::toString(type);
      EXPECT_LT(testing::relative_error(d_qkv.cpu(), torch::autograd::grad({out1}, {qkv1}, {exact(d_out0, type)})[0], testing::free_part(type)), limit)
          << c.name << ", gradient, " << c10::toString(type);
      const at::NoGradGuard inference;
      const at::Tensor again = packed_attention(qkv, on_gpu(tables.cos, at::kFloat), on_gpu(tables.sin, at::kFloat), gpu_batch(c.lengths), c.shape);
      EXPECT_LT(testing::relative_error(again.cpu(), out.cpu()), 1e-6) << c.name << ": without gradients the values are the same";
    }
  }
}

TEST_F(CudaAttention, WindowedBatchEqualsItsDocumentsAlone) {
  const AttentionShape s = shape(4, 2, 96, 64);
  const Lengths lengths = {200, 1, 64, 65};
  const at::Tensor qkv = on_gpu(random_tensor({total(lengths), width(s)}, 1), at::kBFloat16);
  const Tables tables(total(lengths), s);
  const at::Tensor cos = on_gpu(tables.cos, at::kFloat), sin = on_gpu(tables.sin, at::kFloat);
  const at::NoGradGuard inference;
  const at::Tensor packed = packed_attention(qkv, cos, sin, gpu_batch(lengths), s);
  std::int64_t begin = 0;
  for (const std::int64_t length : lengths) {
    const at::Tensor alone = packed_attention(qkv.narrow(0, begin, length), cos.narrow(0, begin, length), sin.narrow(0, begin, length), gpu_batch({length}), s);
    // Equal but for the rounding of the output: the tiling of a document does not depend on its neighbours, the choice of kernel may.
    EXPECT_LT(testing::relative_error(alone.cpu(), packed.narrow(0, begin, length).cpu(), testing::kBfloat16Rounding), 1e-2);
    begin += length;
  }
}

TEST_F(CudaAttention, EmptyStreamKeepsTheGradientChain) {
  const AttentionShape s = shape(2, 1, 96, 0);
  for (const at::ScalarType type : kTypes) {
    const at::Tensor qkv = gpu_leaf(at::empty({0, width(s)}, at::kFloat), type);
    const Tables tables(0, s);
    const at::Tensor out = packed_attention(qkv, on_gpu(tables.cos, at::kFloat), on_gpu(tables.sin, at::kFloat), gpu_batch({}), s);
    EXPECT_EQ(out.sizes(), (std::vector<std::int64_t>{0, 192}));
    EXPECT_EQ(torch::autograd::grad({out.sum()}, {qkv})[0].sizes(), qkv.sizes());
  }
}

TEST_F(CudaAttention, SharedPromptsAreRefused) {
  const AttentionShape s = shape(2, 2, 64, 0);
  PackedBatch batch = gpu_batch({4, 4});
  batch.segments[1].parent = 0;
  const Tables tables(8, s);
  EXPECT_THROW(
      packed_attention(on_gpu(random_tensor({8, width(s)}, 1), at::kBFloat16), on_gpu(tables.cos, at::kFloat), on_gpu(tables.sin, at::kFloat), batch, s),
      ConfigError);
}

// Prefill three sequences into slots of a cache, then decode some tokens: caches and outputs follow the float64 reference.
TEST_F(CudaAttention, DecodingWithACacheEqualsDouble) {
  struct Generation {
    AttentionShape shape;
    Lengths prompts;
    int steps;
  };
  const std::vector<Generation> cases = {{grouped(shape(8, 2, 128, 0), {16, 2, 4, 1}), {300, 1, 40}, 3},
                                         {grouped(shape(4, 4, 64, 0), {64, 1, 3, 1}), {900, 64, 190}, 2},
                                         {shape(4, 4, 96, 0), {5, 1, 130}, 3},
                                         {shape(8, 2, 128, 20), {40, 3, 19}, 3},
                                         {shape(6, 2, 64, 0), {9, 30, 2}, 2},
                                         {shape(12, 1, 36, 7), {6, 8, 20}, 2},
                                         {shape(2, 2, 96, 2047), {2046, 2600, 1}, 3},
                                         {shape(1, 1, 64, 0), {6000, 1, 300}, 2}};
  for (const Generation& g : cases) {
    for (const at::ScalarType type : kTypes) {
      const AttentionShape& s = g.shape;
      const Lengths slots = {2, 0, 3};
      const std::int64_t tokens = total(g.prompts), capacity = *std::max_element(g.prompts.begin(), g.prompts.end()) + g.steps;
      const at::Tensor qkv0 = random_tensor({tokens, width(s)}, 1);
      const Tables tables(tokens, s);
      const std::vector<std::int64_t> cache_sizes = {4, s.kv_heads, capacity, s.head_dim};
      KeyValueCache cache{on_gpu(at::zeros(cache_sizes), type), on_gpu(at::zeros(cache_sizes), type)};
      KeyValueCache exact_cache{at::zeros(cache_sizes, at::kDouble), at::zeros(cache_sizes, at::kDouble)};
      const at::NoGradGuard inference;
      const PackedBatch cpu_batch = testing::make_batch(g.prompts);
      store_keys_values(on_gpu(qkv0, type), on_gpu(tables.cos, at::kFloat), on_gpu(tables.sin, at::kFloat), gpu_batch(g.prompts), slots, s, cache);
      reference::store_keys_values(exact(qkv0, type), tables.cos.to(at::kDouble), tables.sin.to(at::kDouble), testing::ranges(cpu_batch), cpu_batch.positions,
                                   slots, s, exact_cache);
      Lengths lengths = g.prompts;
      for (int step = 0; step < g.steps; ++step) {
        const at::Tensor row0 = random_tensor({3, width(s)}, 10 + step);
        const Tables row_tables(3, s);
        const at::Tensor out =
            decode_attention(on_gpu(row0, type), on_gpu(row_tables.cos, at::kFloat), on_gpu(row_tables.sin, at::kFloat), slots, lengths, s, cache);
        const at::Tensor expected =
            reference::decode_attention(exact(row0, type), row_tables.cos.to(at::kDouble), row_tables.sin.to(at::kDouble), slots, lengths, s, exact_cache);
        // The kernel sums in float32; in bfloat16 the cache and the queries carry one rounding each.
        EXPECT_LT(testing::relative_error(out.cpu(), expected, testing::free_part(type)), type == at::kFloat ? 1e-4 : 3e-2)
            << "window " << s.window << ", longest " << capacity << ", step " << step << ", " << c10::toString(type);
        for (std::int64_t& length : lengths) ++length;
      }
      expect_close(cache.keys, exact_cache.keys, type, "cached keys");
      expect_close(cache.values, exact_cache.values, type, "cached values");
    }
  }
}

}  // namespace
}  // namespace phidias::kernels
