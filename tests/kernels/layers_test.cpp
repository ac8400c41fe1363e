// RMSNorm, SwiGLU, the linear product and the embedding: forward and gradient against unfused double precision, accumulation into the
// flat buffer, frozen weights, empty streams, recomputation.
#include <ATen/Parallel.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/embedding.h>
#include <ATen/ops/linear.h>
#include <c10/core/InferenceMode.h>
#include <torch/csrc/autograd/custom_function.h>

#include <functional>

#include "base/error.h"
#include "kernels/operations.h"
#include "kernels/reference/reference.h"
#include "tests/kernels/support.h"

namespace phidias::kernels {
namespace {

using testing::bit_equal;
using testing::make_frozen;
using testing::make_parameter;
using testing::random_tensor;
using testing::relative_error;

constexpr double kEps = 1e-5;

// In bfloat16 a result carries the rounding of its own and of one intermediate value.
double free_rounding(at::ScalarType type) { return type == at::kFloat ? 0.0 : 3 * testing::kBfloat16Rounding; }
// Sums over rows or columns of values rounded to bfloat16: a few roundings' worth of the mean size remains.
double tolerance(at::ScalarType type) { return type == at::kFloat ? testing::kFloatTolerance : 2e-2; }

at::Tensor leaf(const at::Tensor& t, at::ScalarType type) { return t.to(type, false, true).requires_grad_(true); }
// What a bfloat16 computation really starts from, in double.
at::Tensor exact_leaf(const at::Tensor& t, at::ScalarType rounded_to) { return t.to(rounded_to).to(at::kDouble, false, true).requires_grad_(true); }

struct Shape {
  std::int64_t rows, width;
};

class Layers : public ::testing::TestWithParam<std::tuple<Shape, at::ScalarType>> {
 protected:
  std::int64_t rows() const { return std::get<0>(GetParam()).rows; }
  std::int64_t width() const { return std::get<0>(GetParam()).width; }
  at::ScalarType type() const { return std::get<1>(GetParam()); }
  void expect_close(const at::Tensor& actual, const at::Tensor& exact) const {
    EXPECT_LT(relative_error(actual, exact, free_rounding(type())), tolerance(type()));
  }
};

TEST_P(Layers, RmsNormEqualsDouble) {
  const at::Tensor x0 = random_tensor({rows(), width()}, 1, 3.0), w0 = random_tensor({width()}, 2), dy0 = random_tensor({rows(), width()}, 3);
  Parameter weight = make_parameter("norm", w0.to(type()));
  const at::Tensor x = leaf(x0, type()), y = rms_norm(x, weight, kEps);
  const at::Tensor dx = torch::autograd::grad({y}, {x}, {dy0.to(type())})[0];
  const at::Tensor x_exact = exact_leaf(x0, type()), w_exact = exact_leaf(w0, type()), y_exact = reference::rms_norm(x_exact, w_exact, kEps).first;
  const auto exact = torch::autograd::grad({y_exact}, {x_exact, w_exact}, {dy0.to(type()).to(at::kDouble)});
  expect_close(y, y_exact);
  expect_close(dx, exact[0]);
  expect_close(weight.gradient, exact[1]);
}

TEST_P(Layers, AddRmsNormJoinsBothGradients) {
  const at::Tensor x0 = random_tensor({rows(), width()}, 1), u0 = random_tensor({rows(), width()}, 4), w0 = random_tensor({width()}, 2);
  const at::Tensor ds0 = random_tensor({rows(), width()}, 5), dy0 = random_tensor({rows(), width()}, 3);
  Parameter weight = make_parameter("norm", w0.to(type()));
  const at::Tensor x = leaf(x0, type()), u = leaf(u0, type());
  const auto [sum, y] = add_rms_norm(x, u, weight, kEps);
  const auto gradients = torch::autograd::grad({sum, y}, {x, u}, {ds0.to(type()), dy0.to(type())});
  const at::Tensor x_exact = exact_leaf(x0, type()), u_exact = exact_leaf(u0, type()), w_exact = exact_leaf(w0, type()), sum_exact = x_exact + u_exact;
  const at::Tensor y_exact = reference::rms_norm(sum_exact, w_exact, kEps).first;
  const auto exact = torch::autograd::grad({sum_exact, y_exact}, {x_exact, w_exact}, {ds0.to(type()).to(at::kDouble), dy0.to(type()).to(at::kDouble)});
  expect_close(sum, sum_exact);
  expect_close(y, y_exact);
  expect_close(gradients[0], exact[0]);
  EXPECT_TRUE(bit_equal(gradients[0], gradients[1]));
  expect_close(weight.gradient, exact[1]);
}

TEST_P(Layers, AddRmsNormTakesEitherGradientAlone) {
  const at::Tensor x0 = random_tensor({rows(), width()}, 1), w0 = random_tensor({width()}, 2), d0 = random_tensor({rows(), width()}, 3);
  Parameter joined = make_parameter("a", w0.to(type())), alone = make_parameter("b", w0.to(type()));
  const at::Tensor x = leaf(x0, type()), zero = x.detach() * 0, y = leaf(x0, type());
  const at::Tensor dx = torch::autograd::grad({add_rms_norm(x, zero, joined, kEps).second}, {x}, {d0.to(type())})[0];
  EXPECT_TRUE(bit_equal(dx, torch::autograd::grad({rms_norm(y, alone, kEps)}, {y}, {d0.to(type())})[0]));
  EXPECT_TRUE(bit_equal(joined.gradient, alone.gradient));
  joined.has_gradient = false;
  const at::Tensor through_sum = torch::autograd::grad({add_rms_norm(x, zero, joined, kEps).first}, {x}, {d0.to(type())})[0];
  EXPECT_TRUE(bit_equal(through_sum, d0.to(type())));
  EXPECT_EQ(joined.gradient.count_nonzero().item<std::int64_t>(), 0);  // written, with zeros
}

TEST_P(Layers, SwiGluEqualsDouble) {
  const at::Tensor x0 = random_tensor({rows(), 2 * width()}, 1, 3.0), dy0 = random_tensor({rows(), width()}, 3);
  const at::Tensor x = leaf(x0, type()), y = swiglu(x);
  const at::Tensor dx = torch::autograd::grad({y}, {x}, {dy0.to(type())})[0];
  const at::Tensor x_exact = exact_leaf(x0, type()), y_exact = reference::swiglu(x_exact);
  expect_close(y, y_exact);
  expect_close(dx, torch::autograd::grad({y_exact}, {x_exact}, {dy0.to(type()).to(at::kDouble)})[0]);
}

TEST_P(Layers, LinearWithBiasEqualsDouble) {
  const at::Tensor x0 = random_tensor({rows(), width()}, 1), w0 = random_tensor({37, width()}, 2), b0 = random_tensor({37}, 6),
                   dy0 = random_tensor({rows(), 37}, 3);
  Parameter weight = make_parameter("weight", w0.to(type())), bias = make_parameter("bias", b0.to(type()));
  const at::Tensor x = leaf(x0, type()), y = linear(x, weight, &bias);
  const at::Tensor dx = torch::autograd::grad({y}, {x}, {dy0.to(type())})[0];
  const at::Tensor x_exact = exact_leaf(x0, type()), w_exact = exact_leaf(w0, type()), b_exact = exact_leaf(b0, type());
  const at::Tensor y_exact = at::linear(x_exact, w_exact, b_exact);
  const auto exact = torch::autograd::grad({y_exact}, {x_exact, w_exact, b_exact}, {dy0.to(type()).to(at::kDouble)});
  expect_close(y, y_exact);
  expect_close(dx, exact[0]);
  expect_close(weight.gradient, exact[1]);
  expect_close(bias.gradient, exact[2]);
}

TEST_P(Layers, EmbeddingSumsTheRowsOfAnIdAndSkipsTheIgnoredOne) {
  const at::Tensor table0 = random_tensor({11, width()}, 1), dy0 = random_tensor({rows(), width()}, 3);
  const at::Tensor tokens = at::arange(rows(), at::kLong).mul(7).remainder(11);
  Parameter weight = make_parameter("table", table0.to(type()));
  const at::Tensor y = embedding(tokens, weight, 3);
  ASSERT_TRUE(y.requires_grad());
  torch::autograd::backward({y}, {dy0.to(type())});
  const at::Tensor exact_table = exact_leaf(table0, type()), y_exact = at::embedding(exact_table, tokens);
  const at::Tensor kept = tokens.ne(3).to(at::kDouble).unsqueeze(1);
  const at::Tensor exact = torch::autograd::grad({y_exact}, {exact_table}, {dy0.to(type()).to(at::kDouble) * kept})[0];
  EXPECT_TRUE(bit_equal(y.detach().to(at::kDouble), y_exact.detach()));
  expect_close(weight.gradient, exact);
}

INSTANTIATE_TEST_SUITE_P(All, Layers,
                         ::testing::Combine(::testing::Values(Shape{1, 5}, Shape{3, 7}, Shape{70, 100}, Shape{129, 64}, Shape{200, 1031}, Shape{0, 32}),
                                            ::testing::Values(at::kFloat, at::kBFloat16)),
                         [](const auto& info) {
                           const Shape shape = std::get<0>(info.param);
                           return std::to_string(shape.rows) + "x" + std::to_string(shape.width) +
                                  (std::get<1>(info.param) == at::kFloat ? "_float32" : "_bfloat16");
                         });

// One operation with its parameter, for what every one of them promises.
struct Operation {
  std::string name;
  std::function<at::Tensor(const at::Tensor&, Parameter&)> apply;
  std::vector<std::int64_t> weight_shape;
};
std::vector<Operation> operations() {
  return {{"rms_norm", [](const at::Tensor& x, Parameter& w) { return rms_norm(x, w, kEps); }, {64}},
          {"add_rms_norm", [](const at::Tensor& x, Parameter& w) { return add_rms_norm(x, x.square(), w, kEps).second; }, {64}},
          {"linear", [](const at::Tensor& x, Parameter& w) { return linear(x, w); }, {48, 64}},
          {"embedding", [](const at::Tensor& x, Parameter& w) { return embedding(at::arange(x.size(0), at::kLong).remainder(5), w) * x; }, {5, 64}}};
}

TEST(WeightGradients, TheFirstContributionOverwritesAndLaterOnesAdd) {
  for (const Operation& operation : operations()) {
    Parameter weight = make_parameter(operation.name, random_tensor(operation.weight_shape, 2));
    const at::Tensor x = leaf(random_tensor({90, 64}, 1), at::kFloat);
    operation.apply(x, weight).sum().backward();
    const at::Tensor once = weight.gradient.clone();
    EXPECT_TRUE(once.isfinite().all().item<bool>()) << operation.name;
    operation.apply(x, weight).sum().backward();
    EXPECT_LT(relative_error(weight.gradient, 2 * once), 1e-6) << operation.name;
    weight.has_gradient = false;
    operation.apply(x, weight).sum().backward();
    EXPECT_TRUE(bit_equal(weight.gradient, once)) << operation.name;
    EXPECT_FALSE(weight.value.grad().defined()) << operation.name;
  }
}

struct CountingListener : GradientListener {
  int calls = 0;
  void gradient_ready(Parameter&) override { ++calls; }
};

TEST(WeightGradients, AreReportedOnceAfterTheLastOfTheirUsesAlsoForAnEmptyStream) {
  for (const std::int64_t rows : {5, 0}) {
    for (const Operation& operation : operations()) {
      CountingListener listener;
      Parameter weight = make_parameter(operation.name, random_tensor(operation.weight_shape, 2));
      weight.uses = 2;
      weight.listener = &listener;
      const at::Tensor x = leaf(random_tensor({rows, 64}, 1), at::kFloat);
      operation.apply(x, weight).sum().backward();
      EXPECT_EQ(listener.calls, 0) << operation.name;
      operation.apply(x, weight).sum().backward();
      EXPECT_EQ(listener.calls, 1) << operation.name;
      EXPECT_EQ(weight.gradient.abs().max().item<float>() == 0.0f, rows == 0) << operation.name;
    }
  }
}

TEST(WeightGradients, OfFrozenWeightsAreNotTakenWhileTheInputsGradientFlows) {
  for (const Operation& operation : operations()) {
    const at::Tensor value = random_tensor(operation.weight_shape, 2);
    Parameter trained = make_parameter(operation.name, value), frozen = make_frozen(operation.name, value);
    const at::Tensor x = leaf(random_tensor({9, 64}, 1), at::kFloat), y = leaf(random_tensor({9, 64}, 1), at::kFloat);
    operation.apply(x, trained).sum().backward();
    operation.apply(y, frozen).sum().backward();
    EXPECT_TRUE(bit_equal(x.grad(), y.grad())) << operation.name;
    EXPECT_FALSE(frozen.gradient.defined() || frozen.has_gradient) << operation.name;
  }
}

TEST(WeightGradients, AreTakenWhenOnlyTheWeightRequiresThem) {
  for (const Operation& operation : operations()) {
    Parameter weight = make_parameter(operation.name, random_tensor(operation.weight_shape, 2));
    operation.apply(random_tensor({9, 64}, 1), weight).sum().backward();
    EXPECT_TRUE(weight.has_gradient && weight.gradient.isfinite().all().item<bool>()) << operation.name;
  }
}

TEST(WeightGradients, DoNotDependOnTheThreadCount) {
  const int threads = at::get_num_threads();
  for (const Operation& operation : operations()) {
    if (operation.name == "linear") continue;  // MKL promises nothing between thread counts
    std::vector<at::Tensor> gradients;
    for (const int count : {1, 2, 3}) {
      at::set_num_threads(count);
      Parameter weight = make_parameter(operation.name, random_tensor(operation.weight_shape, 2));
      operation.apply(leaf(random_tensor({1000, 64}, 1), at::kFloat), weight).sum().backward();
      gradients.push_back(weight.gradient);
    }
    EXPECT_TRUE(bit_equal(gradients[0], gradients[1]) && bit_equal(gradients[0], gradients[2])) << operation.name;
  }
  at::set_num_threads(threads);
}

TEST(Inference, GivesTheSameValuesWithoutAGraph) {
  for (const Operation& operation : operations()) {
    Parameter weight = make_parameter(operation.name, random_tensor(operation.weight_shape, 2));
    const at::Tensor x = random_tensor({20, 64}, 1), with_graph = operation.apply(x, weight).detach();
    {
      const at::NoGradGuard no_grad;
      EXPECT_TRUE(bit_equal(operation.apply(x, weight), with_graph)) << operation.name;
    }
    const c10::InferenceMode inference;
    EXPECT_TRUE(bit_equal(operation.apply(x, weight), with_graph)) << operation.name;
  }
}

// Runs linear -> norm -> swiglu without a graph and again inside backward, as recomputed blocks do.
struct Recomputed : torch::autograd::Function<Recomputed> {
  static at::Tensor segment(const at::Tensor& x, Parameter* up, Parameter* norm) { return swiglu(rms_norm(linear(x, *up), *norm, kEps)); }
  static at::Tensor forward(torch::autograd::AutogradContext* ctx, const at::Tensor& x, Parameter* up, Parameter* norm) {
    ctx->save_for_backward({x});
    ctx->saved_data["up"] = reinterpret_cast<std::int64_t>(up);
    ctx->saved_data["norm"] = reinterpret_cast<std::int64_t>(norm);
    return segment(x, up, norm);
  }
  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* ctx, const torch::autograd::variable_list& gradients) {
    const at::AutoGradMode enable(true);
    const at::Tensor x = ctx->get_saved_variables()[0].detach().requires_grad_(true);
    const at::Tensor y = segment(x, reinterpret_cast<Parameter*>(ctx->saved_data["up"].toInt()), reinterpret_cast<Parameter*>(ctx->saved_data["norm"].toInt()));
    torch::autograd::backward({y}, {gradients[0]});
    return {x.grad(), at::Tensor(), at::Tensor()};
  }
};

TEST(Recomputation, InsideBackwardGivesTheSameBits) {
  const at::Tensor x0 = random_tensor({50, 32}, 1);
  at::Tensor dx[2], d_up[2], d_norm[2];
  for (const int recompute : {0, 1}) {
    Parameter up = make_parameter("up", random_tensor({64, 32}, 2)), norm = make_parameter("norm", random_tensor({64}, 3));
    const at::Tensor x = leaf(x0, at::kFloat);
    (recompute ? Recomputed::apply(x, &up, &norm) : Recomputed::segment(x, &up, &norm)).square().sum().backward();
    dx[recompute] = x.grad(), d_up[recompute] = up.gradient, d_norm[recompute] = norm.gradient;
  }
  EXPECT_TRUE(bit_equal(dx[0], dx[1]) && bit_equal(d_up[0], d_up[1]) && bit_equal(d_norm[0], d_norm[1]));
}

TEST(Embedding, OfAFrozenTableStillStartsAGradientChain) {
  Parameter table = make_frozen("table", random_tensor({5, 8}, 1));
  EXPECT_TRUE(embedding(at::arange(5, at::kLong), table).requires_grad());
}

TEST(Embedding, NamesAnIdOutsideTheTable) {
  Parameter table = make_parameter("model.embed_tokens.weight", random_tensor({5, 8}, 1));
  try {
    embedding(at::arange(6, at::kLong), table);
    FAIL() << "id 5 of 5 rows was accepted";
  } catch (const DataError& error) {
    EXPECT_NE(std::string(error.what()).find("token id 5 is outside the 5 rows of model.embed_tokens.weight"), std::string::npos) << error.what();
  }
}

TEST(SwiGlu, ExtremeGatesSaturate) {
  const at::Tensor gate_up = at::empty({1, 8}, at::kFloat);
  const float values[8] = {-1e4f, -100.0f, 100.0f, 1e4f, 2.0f, 2.0f, 2.0f, 2.0f};
  std::copy(values, values + 8, gate_up.mutable_data_ptr<float>());
  const at::Tensor y = swiglu(gate_up);
  EXPECT_NEAR(y[0][0].item<float>(), 0.0f, 1e-30f);
  EXPECT_EQ(y[0][2].item<float>(), 200.0f);
  EXPECT_EQ(y[0][3].item<float>(), 2e4f);
}

TEST(RmsNorm, ANotANumberReachesItsRowAlone) {
  Parameter weight = make_parameter("norm", at::full({40}, 1.0, at::kFloat));
  const at::Tensor x = random_tensor({3, 40}, 1);
  x[1][39].fill_(std::nan(""));
  const at::Tensor y = rms_norm(x, weight, kEps);
  EXPECT_TRUE(y[1].isnan().all().item<bool>());
  EXPECT_FALSE(y[0].isnan().any().item<bool>() || y[2].isnan().any().item<bool>());
}

}  // namespace
}  // namespace phidias::kernels
