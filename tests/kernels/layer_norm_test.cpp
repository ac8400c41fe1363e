// LayerNorm alone and after the residual addition: forward and gradient against double precision, accumulation, frozen parameters, large means.
#include "kernels/layer_norm.h"

#include <ATen/ops/ones.h>
#include <ATen/ops/zeros.h>

#include "kernels/reference/experts.h"
#include "tests/kernels/support.h"

namespace phidias::kernels {
namespace {

using testing::bit_equal;
using testing::make_frozen;
using testing::make_parameter;
using testing::random_tensor;
using testing::relative_error;

constexpr double kEps = 1e-5;

struct Case {
  std::int64_t rows, width;
  at::ScalarType type;
};

class LayerNorms : public ::testing::TestWithParam<Case> {
 protected:
  at::ScalarType type() const { return GetParam().type; }
  at::Tensor random(std::uint64_t seed, double scale = 1.0) const { return random_tensor({GetParam().rows, GetParam().width}, seed, scale).to(type()); }
  at::Tensor row(std::uint64_t seed) const { return random_tensor({GetParam().width}, seed).to(type()); }
  // bfloat16: the result's own rounding and that of the sum before it; sums over rows keep a few roundings of the mean size.
  void expect_close(const at::Tensor& actual, const at::Tensor& exact) const {
    const bool wide = type() == at::kFloat;
    EXPECT_LT(relative_error(actual, exact, wide ? 0.0 : 3 * testing::kBfloat16Rounding), wide ? testing::kFloatTolerance : 2e-2);
  }
};

at::Tensor leaf(const at::Tensor& t) { return t.clone().requires_grad_(true); }
at::Tensor exact_leaf(const at::Tensor& t) { return t.to(at::kDouble, false, true).requires_grad_(true); }

TEST_P(LayerNorms, SumNormAndEveryGradientEqualDouble) {
  const at::Tensor x0 = random(1, 3.0), u0 = random(2), w0 = row(3), b0 = row(4), ds = random(5), dy = random(6);
  Parameter weight = make_parameter("weight", w0), bias = make_parameter("bias", b0);
  const at::Tensor x = leaf(x0), u = leaf(u0);
  const auto [sum, y] = add_layer_norm(x, u, weight, bias, kEps);
  const auto gradients = torch::autograd::grad({sum, y}, {x, u}, {ds, dy});
  const at::Tensor x1 = exact_leaf(x0), u1 = exact_leaf(u0), w1 = exact_leaf(w0), b1 = exact_leaf(b0), sum1 = x1 + u1;
  const at::Tensor y1 = reference::layer_norm(sum1, w1, b1, kEps).first;
  const auto exact = torch::autograd::grad({sum1, y1}, {x1, w1, b1}, {ds.to(at::kDouble), dy.to(at::kDouble)});
  expect_close(sum, sum1);
  expect_close(y, y1);
  expect_close(gradients[0], exact[0]);
  EXPECT_TRUE(bit_equal(gradients[0], gradients[1]));
  expect_close(weight.gradient, exact[1]);
  expect_close(bias.gradient, exact[2]);
}

TEST_P(LayerNorms, AloneEqualsTheSumWithZero) {
  const at::Tensor x0 = random(1, 3.0), dy = random(6);
  Parameter weight = make_parameter("weight", row(3)), bias = make_parameter("bias", row(4));
  Parameter weight2 = make_parameter("weight", row(3)), bias2 = make_parameter("bias", row(4));
  const at::Tensor x = leaf(x0), z = leaf(x0);
  const at::Tensor alone = layer_norm(x, weight, bias, kEps), joined = add_layer_norm(z, z.detach() * 0, weight2, bias2, kEps).second;
  EXPECT_TRUE(bit_equal(alone, joined));
  EXPECT_TRUE(bit_equal(torch::autograd::grad({alone}, {x}, {dy})[0], torch::autograd::grad({joined}, {z}, {dy})[0]));
  EXPECT_TRUE(bit_equal(weight.gradient, weight2.gradient));
  EXPECT_TRUE(bit_equal(bias.gradient, bias2.gradient));
}

TEST_P(LayerNorms, SecondGradientIsAddedAndAFrozenOneIsLeftAlone) {
  const at::Tensor x0 = random(1), dy = random(6);
  Parameter weight = make_parameter("weight", row(3)), bias = make_frozen("bias", row(4));
  at::Tensor first;
  for (int pass = 0; pass < 2; ++pass) {
    const at::Tensor x = leaf(x0);
    torch::autograd::grad({layer_norm(x, weight, bias, kEps)}, {x}, {dy});
    if (pass == 0) first = weight.gradient.clone();
  }
  EXPECT_LT(relative_error(weight.gradient, first * 2), testing::kFloatTolerance);  // blocks of rows are added to what is there, one by one
  EXPECT_FALSE(bias.gradient.defined());
}

INSTANTIATE_TEST_SUITE_P(All, LayerNorms,
                         ::testing::Values(Case{0, 32, at::kFloat}, Case{1, 5, at::kFloat}, Case{70, 100, at::kFloat}, Case{200, 1031, at::kFloat},
                                           Case{0, 32, at::kBFloat16}, Case{3, 7, at::kBFloat16}, Case{129, 64, at::kBFloat16}),
                         [](const auto& info) {
                           return std::to_string(info.param.rows) + "x" + std::to_string(info.param.width) +
                                  (info.param.type == at::kFloat ? "_float32" : "_bfloat16");
                         });

// A mean of 1000 deviations: the variance is taken of centred values, so it loses the mean's rounding (6e-8 * 1000) and no more.
TEST(LayerNorm, LargeMeansLeaveTheVarianceIntact) {
  for (const std::int64_t width : {5, 37, 256}) {
    const at::Tensor x = random_tensor({4, width}, 1) + 1000.0;
    Parameter weight = make_frozen("weight", at::ones({width}, at::kFloat)), bias = make_frozen("bias", at::zeros({width}, at::kFloat));
    const at::Tensor exact = reference::layer_norm(x.to(at::kDouble), weight.value.to(at::kDouble), bias.value.to(at::kDouble), kEps).first;
    EXPECT_LT(relative_error(layer_norm(x, weight, bias, kEps), exact), 2e-4) << width;
  }
}

}  // namespace
}  // namespace phidias::kernels
