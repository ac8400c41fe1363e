// The linear product with adapters: forward and every gradient against double precision, on the merged and the separate path, for one module and for
// some modules of a fused weight; accumulation, frozen parts, dropout, empty streams, values bound anew between forward and backward.
#include "kernels/lora.h"

#include <ATen/core/grad_mode.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/zeros.h>

#include "kernels/dropout.h"
#include "tests/kernels/support.h"

namespace phidias::kernels {
namespace {

using testing::make_frozen;
using testing::make_parameter;
using testing::random_tensor;
using testing::relative_error;

constexpr std::int64_t kIn = 24, kOut = 40, kRank = 3;
constexpr double kScale = 1.75;
// Separate products below 2 * 24 * 40 / 64 = 30 rows, the merged weight above.
constexpr std::int64_t kFewRows = 7, kManyRows = 90;

struct Case {
  Parameter weight, bias, a, b;
  LinearLora lora;
  at::Tensor x;

  Case(std::int64_t rows, at::ScalarType type, std::vector<LoraRows> modules) {
    std::int64_t adapted = 0;
    for (const LoraRows& module : modules) adapted += module.rows;
    weight = make_frozen("weight", random_tensor({kOut, kIn}, 1, 0.3).to(type));
    bias = make_frozen("bias", random_tensor({kOut}, 2).to(type));
    a = make_parameter("a", random_tensor({static_cast<std::int64_t>(modules.size()) * kRank, kIn}, 3, 0.3));
    b = make_parameter("b", random_tensor({adapted, kRank}, 4, 0.5));
    x = random_tensor({rows, kIn}, 5).to(type).requires_grad_();
    lora = {std::move(modules), &a, &b, kScale};
  }
  at::Tensor run(const at::Tensor& keys = {}) { return linear_with_adapters(x, weight, &bias, lora, keys); }
};

struct Exact {
  at::Tensor y, dx, dw, db, da, dlora_b;
};

// The definition in double; `factor` [T, in]: what dropout multiplies x by.
Exact exact(const Case& c, const at::Tensor& dy, const at::Tensor& factor) {
  const auto leaf = [](const at::Tensor& t) { return t.detach().to(at::kDouble).requires_grad_(); };
  const at::Tensor x = leaf(c.x), w = leaf(c.weight.value), bias = leaf(c.bias.value), a = leaf(c.a.value), b = leaf(c.b.value);
  at::Tensor y = x.matmul(w.t()) + bias;
  const at::Tensor dropped = x * factor.to(at::kDouble);
  std::int64_t offset = 0;
  for (std::size_t i = 0; i < c.lora.modules.size(); ++i) {
    const auto [row, rows] = c.lora.modules[i];
    const at::Tensor update = dropped.matmul(a.narrow(0, static_cast<std::int64_t>(i) * kRank, kRank).t()).matmul(b.narrow(0, offset, rows).t()) * kScale;
    at::Tensor wide = at::zeros({x.size(0), kOut}, at::kDouble);
    wide.narrow(1, row, rows).copy_(update);
    y = y + wide;
    offset += rows;
  }
  const auto g = torch::autograd::grad({y}, {x, w, bias, a, b}, {dy.to(at::kDouble)});
  return {y, g[0], g[1], g[2], g[3], g[4]};
}

struct Setting {
  std::int64_t rows;
  at::ScalarType type;
  bool fused;
};

class Lora : public ::testing::TestWithParam<Setting> {
 protected:
  Case make() const {
    return {GetParam().rows, GetParam().type, GetParam().fused ? std::vector<LoraRows>{{0, 16}, {24, 10}} : std::vector<LoraRows>{{0, kOut}}};
  }
  // bfloat16: x, u, dy B and y are rounded once each, and sums of some dozen of such values are compared.
  double tolerance() const { return GetParam().type == at::kFloat ? testing::kFloatTolerance : 4e-2; }
  at::Tensor dy() const { return random_tensor({GetParam().rows, kOut}, 6).to(GetParam().type); }
  at::Tensor no_dropout() const { return at::ones({GetParam().rows, kIn}); }
};

TEST_P(Lora, ForwardAndGradientsEqualDouble) {
  Case c = make();
  const Exact expected = exact(c, dy(), no_dropout());
  const at::Tensor y = c.run();
  const at::Tensor dx = torch::autograd::grad({y}, {c.x}, {dy()})[0];
  EXPECT_LT(relative_error(y, expected.y), tolerance());
  EXPECT_LT(relative_error(dx, expected.dx), tolerance());
  EXPECT_LT(relative_error(c.a.gradient, expected.da), tolerance());
  EXPECT_LT(relative_error(c.b.gradient, expected.dlora_b), tolerance());
  EXPECT_FALSE(c.weight.has_gradient);
}

TEST_P(Lora, InferenceGivesTheSameNumbers) {
  Case c = make();
  const at::Tensor recorded = c.run();
  const at::NoGradGuard no_gradients;
  EXPECT_LT(relative_error(c.run(), recorded), tolerance());
}

TEST_P(Lora, ASecondContributionIsAdded) {
  Case c = make();
  c.run().backward(dy());
  const at::Tensor a = c.a.gradient.clone(), b = c.b.gradient.clone();
  c.run().backward(dy());
  EXPECT_LT(relative_error(c.a.gradient, 2 * a), tolerance());
  EXPECT_LT(relative_error(c.b.gradient, 2 * b), tolerance());
}

TEST_P(Lora, ATrainableBaseReceivesItsGradientToo) {
  Case c = make();
  c.weight = make_parameter("weight", c.weight.value);
  c.bias = make_parameter("bias", c.bias.value);
  const Exact expected = exact(c, dy(), no_dropout());
  c.run().backward(dy());
  EXPECT_LT(relative_error(c.weight.gradient, expected.dw), tolerance());
  EXPECT_LT(relative_error(c.bias.gradient, expected.db), tolerance());
  EXPECT_LT(relative_error(c.b.gradient, expected.dlora_b), tolerance());
}

TEST_P(Lora, FrozenAdaptersStillCarryTheGradientOfTheInput) {
  Case c = make();
  c.a = make_frozen("a", c.a.value);
  c.b = make_frozen("b", c.b.value);
  const Exact expected = exact(c, dy(), no_dropout());
  EXPECT_LT(relative_error(torch::autograd::grad({c.run()}, {c.x}, {dy()})[0], expected.dx), tolerance());
}

TEST_P(Lora, AnInputWithoutGradientTrainsTheAdapters) {
  Case c = make();
  const Exact expected = exact(c, dy(), no_dropout());
  c.x = c.x.detach();
  c.run().backward(dy());
  EXPECT_LT(relative_error(c.a.gradient, expected.da), tolerance());
  EXPECT_LT(relative_error(c.b.gradient, expected.dlora_b), tolerance());
}

TEST_P(Lora, BackwardUsesTheValuesThatAreBoundThen) {
  Case c = make();
  const Exact expected = exact(c, dy(), no_dropout());
  const at::Tensor y = c.run();
  {
    const at::NoGradGuard no_gradients;
    for (Parameter* parameter : {&c.weight, &c.a, &c.b}) {
      const at::Tensor bound = parameter->value.detach().clone();
      parameter->value.fill_(std::nan(""));
      parameter->value = bound;
    }
  }
  EXPECT_LT(relative_error(torch::autograd::grad({y}, {c.x}, {dy()})[0], expected.dx), tolerance());
  EXPECT_LT(relative_error(c.a.gradient, expected.da), tolerance());
}

TEST_P(Lora, DropoutMasksTheAdaptersInputOnly) {
  Case c = make();
  c.lora.dropout = 0.4;
  c.lora.site = 77;
  const at::Tensor keys = at::arange(GetParam().rows, at::kLong) * 1000003 + 11;
  const at::Tensor factor = dropout(at::ones({GetParam().rows, kIn}), 0.4, keys, 77);
  const Exact expected = exact(c, dy(), factor), plain = exact(c, dy(), no_dropout());
  const at::Tensor y = c.run(keys);
  const at::Tensor dx = torch::autograd::grad({y}, {c.x}, {dy()})[0];
  EXPECT_LT(relative_error(y, expected.y), tolerance());
  EXPECT_LT(relative_error(dx, expected.dx), tolerance());
  EXPECT_LT(relative_error(c.a.gradient, expected.da), tolerance());
  EXPECT_LT(relative_error(c.b.gradient, expected.dlora_b), tolerance());
  EXPECT_LT(relative_error(c.run(), plain.y), tolerance());  // without keys: no draw
  EXPECT_EQ(relative_error(y, plain.y) > 0.1, GetParam().rows > 0);
}

INSTANTIATE_TEST_SUITE_P(Settings, Lora,
                         ::testing::Values(Setting{kFewRows, at::kFloat, false}, Setting{kManyRows, at::kFloat, false}, Setting{kFewRows, at::kFloat, true},
                                           Setting{kManyRows, at::kFloat, true}, Setting{kManyRows, at::kBFloat16, false},
                                           Setting{kFewRows, at::kBFloat16, true}, Setting{0, at::kFloat, true}, Setting{0, at::kBFloat16, false}),
                         [](const auto& info) {
                           return std::to_string(info.param.rows) + (info.param.fused ? "_fused_" : "_whole_") + c10::toString(info.param.type);
                         });

}  // namespace
}  // namespace phidias::kernels
