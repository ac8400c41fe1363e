// LayerNorm, router, drawn factors and experts on a GPU against the CPU kernels.
#include "kernels/dropout.h"
#include "kernels/layer_norm.h"
#include "kernels/sparse_mixer.h"
#include "tests/kernels/cuda/cuda_test.h"
#include "tests/kernels/expert_case.h"

namespace phidias::kernels {
namespace {

using testing::draw_keys_of;
using testing::exact;
using testing::exact_leaf;
using testing::expect_close;
using testing::gpu_leaf;
using testing::gpu_parameter;
using testing::kTypes;
using testing::on_gpu;
using testing::random_tensor;

class CudaExperts : public testing::CudaTest {};

TEST_F(CudaExperts, LayerNormEqualsDouble) {
  for (const at::ScalarType type : kTypes) {
    for (const std::vector<std::int64_t>& sizes : std::vector<std::vector<std::int64_t>>{{0, 96}, {5, 3}, {129, 1022}, {700, 256}, {300, 4096}}) {
      const at::Tensor x0 = random_tensor(sizes, 1, 3.0), u0 = random_tensor(sizes, 2), w0 = random_tensor({sizes[1]}, 3), b0 = random_tensor({sizes[1]}, 4);
      const at::Tensor ds0 = random_tensor(sizes, 5), dy0 = random_tensor(sizes, 6);
      Parameter weight = gpu_parameter("weight", w0, type), bias = gpu_parameter("bias", b0, type);
      const at::Tensor x = gpu_leaf(x0, type), u = gpu_leaf(u0, type);
      const auto [sum, y] = add_layer_norm(x, u, weight, bias, 1e-5);
      const at::Tensor dx = torch::autograd::grad({sum, y}, {x}, {on_gpu(ds0, type), on_gpu(dy0, type)})[0];
      const at::Tensor x1 = exact_leaf(x0, type), u1 = exact_leaf(u0, type), w1 = exact_leaf(w0, type), b1 = exact_leaf(b0, type), sum1 = x1 + u1;
      const at::Tensor y1 = reference::layer_norm(sum1, w1, b1, 1e-5).first;
      const auto expected = torch::autograd::grad({sum1, y1}, {x1, w1, b1}, {exact(ds0, type), exact(dy0, type)});
      expect_close(y, y1, type, "y");
      expect_close(dx, expected[0], type, "dx");
      expect_close(weight.gradient, expected[1], type, "d weight");
      expect_close(bias.gradient, expected[2], type, "d bias");
    }
  }
}

// Choices may differ where the two exponentials or logarithms differ in the last bit: one token in a thousand is allowed.
TEST_F(CudaExperts, RouterChoosesAsTheCpuDoes) {
  for (const std::int64_t experts : {2, 16, 64}) {
    for (const bool sampled : {false, true}) {
      const std::int64_t tokens = 1000;
      const at::Tensor scores0 = random_tensor({tokens, experts}, 7).mul(0.02).add(1.0), keys = draw_keys_of(tokens), d = random_tensor({tokens, 2}, 8);
      const at::Tensor aux = random_tensor({experts}, 9), scores = scores0.clone().requires_grad_(true), on_device = gpu_leaf(scores0, at::kFloat);
      const SparseMixerOptions options{0.01, sampled, 3};
      const Routing cpu = sparse_mixer(scores, options, keys, nullptr, [&] { return aux; });
      const Routing gpu = sparse_mixer(on_device, options, keys.cuda(), nullptr, [&] { return aux.cuda(); });
      const at::Tensor same = cpu.experts.eq(gpu.experts.cpu()).all(1);
      EXPECT_GE(same.sum().item<std::int64_t>(), tokens - 1);
      EXPECT_LT(((cpu.weights - gpu.weights.cpu()) * same.unsqueeze(1)).abs().max().item<double>(), 1e-6);
      const at::Tensor expected = torch::autograd::grad({cpu.weights}, {scores}, {d})[0];
      const at::Tensor gradient = torch::autograd::grad({gpu.weights}, {on_device}, {d.cuda()})[0].cpu();
      EXPECT_LT(((expected - gradient) * same.unsqueeze(1)).abs().max().item<double>(), 1e-5);
    }
  }
}

TEST_F(CudaExperts, DropoutDrawsTheCpusBits) {
  const at::Tensor x = random_tensor({33, 71}, 1), keys = draw_keys_of(33);
  EXPECT_TRUE(dropout(x.cuda(), 0.3, keys.cuda(), 99).cpu().equal(dropout(x, 0.3, keys, 99)));
}

TEST_F(CudaExperts, ExpertsEqualTheCpusWithOneProductEachAndWithOneForAll) {
  const testing::ExpertCase c({300, 64, 48, 8}, /*used=*/7);
  for (const at::ScalarType type : kTypes) {
    const testing::ExpertResult expected = exact_result(c, type);
    for (const bool grouped : {false, true}) {
      Parameter gate_up = gpu_parameter("gate_up", c.gate_up, type), down = gpu_parameter("down", c.down, type);
      const at::Tensor x = gpu_leaf(c.x, type), weights = gpu_leaf(c.weights, at::kFloat);
      const at::Tensor y = expert_mlp(x, c.chosen.cuda(), weights, {8, &gate_up, &down, nullptr, {}, grouped}, {});
      const auto gradients = torch::autograd::grad({y}, {x, weights}, {on_gpu(c.dy, type)});
      expect_close(y, expected.y, type, "y");
      expect_close(gradients[0], expected.dx, type, "dx");
      expect_close(gradients[1], expected.d_weights, type, "d weights");
      expect_close(gate_up.gradient, expected.d_gate_up, type, "d gate_up");
      expect_close(down.gradient, expected.d_down, type, "d down");
    }
  }
}

}  // namespace
}  // namespace phidias::kernels
