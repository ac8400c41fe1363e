// RMSNorm, SwiGLU, linear product and embedding on a GPU: forward and gradient against float64, accumulation, determinism, odd shapes.
#include <ATen/ops/embedding.h>
#include <ATen/ops/linear.h>
#include <ATen/ops/randint.h>

#include "kernels/gegelu.h"
#include "kernels/operations.h"
#include "kernels/reference/reference.h"
#include "tests/kernels/cuda/cuda_test.h"

namespace phidias::kernels {
namespace {

using testing::allowed;
using testing::exact;
using testing::exact_leaf;
using testing::expect_close;
using testing::gpu_leaf;
using testing::gpu_parameter;
using testing::kTypes;
using testing::on_gpu;
using testing::random_tensor;

constexpr double kEps = 1e-5;

struct Shape {
  std::int64_t rows, width;
  std::string name() const { return std::to_string(rows) + " x " + std::to_string(width); }
};
// No row, one row, rows that are no multiple of 16 bytes, more rows than blocks, one to four packs per thread.
const std::vector<Shape> kShapes = {{0, 96}, {1, 64}, {5, 3}, {33, 100}, {129, 1022}, {700, 256}, {257, 3072}, {1500, 5120}, {20, 8192}};

class CudaLayers : public testing::CudaTest {};

TEST_F(CudaLayers, RmsNormEqualsDouble) {
  for (const at::ScalarType type : kTypes) {
    for (const Shape& shape : kShapes) {
      const at::Tensor x0 = random_tensor({shape.rows, shape.width}, 1, 3.0), w0 = random_tensor({shape.width}, 2),
                       dy0 = random_tensor({shape.rows, shape.width}, 3);
      Parameter weight = gpu_parameter("norm", w0, type);
      const at::Tensor x = gpu_leaf(x0, type), y = rms_norm(x, weight, kEps);
      const at::Tensor dx = torch::autograd::grad({y}, {x}, {on_gpu(dy0, type)})[0];
      const at::Tensor x1 = exact_leaf(x0, type), w1 = exact_leaf(w0, type), y1 = reference::rms_norm(x1, w1, kEps).first;
      const auto expected = torch::autograd::grad({y1}, {x1, w1}, {exact(dy0, type)});
      expect_close(y, y1, type, "y of " + shape.name());
      expect_close(dx, expected[0], type, "dx of " + shape.name());
      expect_close(weight.gradient, expected[1], type, "dw of " + shape.name());
    }
  }
}

TEST_F(CudaLayers, AddRmsNormJoinsBothGradients) {
  for (const at::ScalarType type : kTypes) {
    for (const Shape& shape : kShapes) {
      const std::vector<std::int64_t> sizes = {shape.rows, shape.width};
      const at::Tensor x0 = random_tensor(sizes, 1), u0 = random_tensor(sizes, 4), w0 = random_tensor({shape.width}, 2), ds0 = random_tensor(sizes, 5),
                       dy0 = random_tensor(sizes, 3);
      Parameter weight = gpu_parameter("norm", w0, type);
      const at::Tensor x = gpu_leaf(x0, type), u = gpu_leaf(u0, type);
      const auto [sum, y] = add_rms_norm(x, u, weight, kEps);
      const auto gradients = torch::autograd::grad({sum, y}, {x, u}, {on_gpu(ds0, type), on_gpu(dy0, type)});
      const at::Tensor x1 = exact_leaf(x0, type), u1 = exact_leaf(u0, type), w1 = exact_leaf(w0, type), sum1 = x1 + u1;
      const at::Tensor y1 = reference::rms_norm(sum1, w1, kEps).first;
      const auto expected = torch::autograd::grad({sum1, y1}, {x1, w1}, {exact(ds0, type), exact(dy0, type)});
      expect_close(sum, sum1, type, "sum of " + shape.name());
      expect_close(y, y1, type, "y of " + shape.name());
      expect_close(gradients[0], expected[0], type, "dx of " + shape.name());
      EXPECT_TRUE(gradients[0].equal(gradients[1]));
      expect_close(weight.gradient, expected[1], type, "dw of " + shape.name());
    }
  }
}

TEST_F(CudaLayers, NormGradientAccumulatesAndRepeatsBitForBit) {
  const at::Tensor x0 = random_tensor({1000, 512}, 1), w0 = random_tensor({512}, 2), dy = on_gpu(random_tensor({1000, 512}, 3), at::kFloat);
  Parameter weight = gpu_parameter("norm", w0, at::kFloat);
  at::Tensor first;
  for (int pass = 0; pass < 2; ++pass) {
    const at::Tensor x = gpu_leaf(x0, at::kFloat);
    torch::autograd::grad({rms_norm(x, weight, kEps)}, {x}, {dy});
    if (pass == 0) first = weight.gradient.clone();
  }
  EXPECT_TRUE(weight.gradient.equal(first * 2)) << "the second pass adds the same bits";
}

TEST_F(CudaLayers, GegeluEqualsDouble) {
  constexpr double kLimit = 1.5;  // clamps some of the values drawn here
  for (const at::ScalarType type : kTypes) {
    for (const Shape& shape : kShapes) {
      const at::Tensor x0 = random_tensor({shape.rows, 2 * shape.width}, 1), dy0 = random_tensor({shape.rows, shape.width}, 2);
      const at::Tensor x = gpu_leaf(x0, type), y = gegelu(x, kLimit), dx = torch::autograd::grad({y}, {x}, {on_gpu(dy0, type)})[0];
      expect_close(y, reference::gegelu(exact(x0, type), kLimit), type, "y of " + shape.name());
      expect_close(dx, reference::gegelu_backward(exact(dy0, type), exact(x0, type), kLimit), type, "dx of " + shape.name());
    }
  }
}

TEST_F(CudaLayers, SwiGluEqualsDouble) {
  for (const at::ScalarType type : kTypes) {
    for (const Shape& shape : kShapes) {
      const at::Tensor x0 = random_tensor({shape.rows, 2 * shape.width}, 1, 3.0), dy0 = random_tensor({shape.rows, shape.width}, 3);
      const at::Tensor x = gpu_leaf(x0, type), y = swiglu(x), dx = torch::autograd::grad({y}, {x}, {on_gpu(dy0, type)})[0];
      const at::Tensor x1 = exact_leaf(x0, type), y1 = reference::swiglu(x1);
      expect_close(y, y1, type, "y of " + shape.name());
      expect_close(dx, torch::autograd::grad({y1}, {x1}, {exact(dy0, type)})[0], type, "dx of " + shape.name());
    }
  }
}

TEST_F(CudaLayers, LinearWritesItsGradientInFloat32) {
  for (const at::ScalarType type : kTypes) {
    for (const auto& [rows, in, out] : {std::tuple(0L, 64L, 32L), std::tuple(1L, 64L, 96L), std::tuple(300L, 256L, 384L)}) {
      const at::Tensor x0 = random_tensor({rows, in}, 1), w0 = random_tensor({out, in}, 2), b0 = random_tensor({out}, 4), dy0 = random_tensor({rows, out}, 3);
      Parameter weight = gpu_parameter("w", w0, type), bias = gpu_parameter("b", b0, type);
      const at::Tensor x = gpu_leaf(x0, type);
      const at::Tensor x1 = exact_leaf(x0, type), w1 = exact_leaf(w0, type), b1 = exact_leaf(b0, type), y1 = at::linear(x1, w1, b1);
      const auto expected = torch::autograd::grad({y1}, {x1, w1, b1}, {exact(dy0, type)});
      for (int pass = 1; pass <= 2; ++pass) {  // the second contribution adds
        const at::Tensor y = linear(x, weight, &bias), dx = torch::autograd::grad({y}, {x}, {on_gpu(dy0, type)})[0];
        expect_close(y, y1, type, "y");
        expect_close(dx, expected[0], type, "dx");
        // Products of bfloat16 values are exact in float32, so the weight's gradient meets the float32 tolerance in both types.
        EXPECT_LT(testing::relative_error(weight.gradient.cpu(), expected[1] * pass), allowed(at::kFloat));
        EXPECT_LT(testing::relative_error(bias.gradient.cpu(), expected[2] * pass), allowed(at::kFloat));
      }
    }
  }
}

TEST_F(CudaLayers, EmbeddingGradientAddsRepeatedIdsInOrder) {
  for (const at::ScalarType type : kTypes) {
    for (const auto& [tokens, hidden] : {std::pair(0L, 32L), std::pair(1L, 30L), std::pair(4000L, 96L), std::pair(257L, 3072L)}) {
      const at::Tensor ids = at::randint(0, 50, {tokens}, at::kLong), w0 = random_tensor({61, hidden}, 2), dy0 = random_tensor({tokens, hidden}, 3);
      constexpr std::int64_t kIgnored = 7;
      Parameter weight = gpu_parameter("embedding", w0, type);
      const at::Tensor w1 = exact_leaf(w0, type), y1 = at::embedding(w1, ids);
      at::Tensor expected = torch::autograd::grad({y1}, {w1}, {exact(dy0, type)})[0];
      expected[kIgnored].zero_();
      for (int pass = 1; pass <= 2; ++pass) {
        const at::Tensor y = embedding(on_gpu(ids, at::kLong), weight, kIgnored);
        torch::autograd::backward({y}, {on_gpu(dy0, type)});
        expect_close(y, y1, type, "rows");
        EXPECT_LT(testing::relative_error(weight.gradient.cpu(), expected * pass), allowed(at::kFloat)) << tokens << " tokens, pass " << pass;
      }
    }
  }
}

}  // namespace
}  // namespace phidias::kernels
