// The GPU kernels at Phi-3-mini's shapes: median milliseconds between CUDA events, achieved GB/s or TFLOP/s, and torch's own operation beside ours
// where it has one.
//
//   cuda_kernels_bench [TOKENS]        default 16384; needs a GPU and about 12 GB of its memory
//
// Bytes are those an ideal kernel moves once; floating-point operations are the model's (causal pairs, no recomputation).
#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/_fused_adamw.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/full.h>
#include <ATen/ops/mm.h>
#include <ATen/ops/randint.h>
#include <ATen/ops/randn.h>
#include <ATen/ops/rms_norm.h>
#include <ATen/ops/silu.h>
#include <ATen/ops/zeros.h>
#include <torch/csrc/autograd/autograd.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <functional>

#include "kernels/adamw.h"
#include "kernels/cuda_backend.h"
#include "kernels/expert_mlp.h"
#include "kernels/operations.h"

namespace phidias::kernels {
namespace {

constexpr std::int64_t kHidden = 3072, kIntermediate = 8192, kHeads = 32, kHeadDim = 96, kVocabulary = 32064;
constexpr double kEps = 1e-5;

struct Amount {
  double bytes = 0, operations = 0;
};

class Bench {
 public:
  explicit Bench(CudaBackend& cuda) : cuda_(cuda) { std::printf("%-44s %10s %10s %10s\n", "operation", "ms", "GB/s", "TFLOP/s"); }

  void line(const std::string& name, const Amount& amount, const std::function<void()>& work) const {
    constexpr int kWarmUp = 3, kRepeats = 20;
    for (int i = 0; i < kWarmUp; ++i) work();
    std::vector<double> times;
    for (int i = 0; i < kRepeats; ++i) times.push_back(cuda_.measure_milliseconds(work));
    std::nth_element(times.begin(), times.begin() + kRepeats / 2, times.end());
    const double ms = times[kRepeats / 2];
    std::printf("%-44s %10.4f %10s %10s\n", name.c_str(), ms, amount.bytes > 0 ? number(amount.bytes / ms * 1e-6).c_str() : "-",
                amount.operations > 0 ? number(amount.operations / ms * 1e-9).c_str() : "-");
    std::fflush(stdout);
  }

 private:
  static std::string number(double value) {
    char text[32];
    std::snprintf(text, sizeof text, "%.0f", value);
    return text;
  }
  CudaBackend& cuda_;
};

at::TensorOptions options(at::ScalarType type) { return at::TensorOptions().device(at::kCUDA).dtype(type); }
at::Tensor random(std::vector<std::int64_t> sizes, at::ScalarType type = at::kBFloat16) { return at::randn(sizes, options(type)); }

Parameter parameter(const at::Tensor& value) {
  Parameter result;
  result.value = value.requires_grad_(true);
  result.gradient = at::zeros(value.sizes(), options(at::kFloat));
  result.has_gradient = true;  // accumulation, the common case
  return result;
}

void norm(const Bench& bench, std::int64_t tokens) {
  const at::Tensor x = random({tokens, kHidden}).requires_grad_(true), update = random({tokens, kHidden}).requires_grad_(true), d = random({tokens, kHidden});
  Parameter weight = parameter(random({kHidden}));
  const double row = 2.0 * tokens * kHidden;
  {
    const at::NoGradGuard inference;
    bench.line("rms_norm forward", {.bytes = 2 * row}, [&] { rms_norm(x, weight, kEps); });
    bench.line("  torch rms_norm", {.bytes = 2 * row}, [&] { at::rms_norm(x, {kHidden}, weight.value, kEps); });
    bench.line("add_rms_norm forward", {.bytes = 4 * row}, [&] { add_rms_norm(x, update, weight, kEps); });
    bench.line("  torch add, rms_norm", {.bytes = 4 * row}, [&] { at::rms_norm(x + update, {kHidden}, weight.value, kEps); });
  }
  const auto [sum, y] = add_rms_norm(x, update, weight, kEps);
  bench.line("add_rms_norm backward", {.bytes = 4 * row}, [&, sum = sum, y = y] { torch::autograd::grad({sum, y}, {x}, {d, d}, /*retain_graph=*/true); });
}

void swiglu_and_rotary(const Bench& bench, CudaBackend& cuda, std::int64_t tokens) {
  const at::Tensor gate_up = random({tokens, 2 * kIntermediate}).requires_grad_(true), d = random({tokens, kIntermediate});
  const double half = 2.0 * tokens * kIntermediate;
  {
    const at::NoGradGuard inference;
    bench.line("swiglu forward", {.bytes = 3 * half}, [&] { swiglu(gate_up); });
    bench.line("  torch silu, mul", {.bytes = 3 * half},
               [&] { at::silu(gate_up.narrow(1, 0, kIntermediate)).mul_(gate_up.narrow(1, kIntermediate, kIntermediate)); });
  }
  const at::Tensor y = swiglu(gate_up);
  bench.line("swiglu backward", {.bytes = 5 * half}, [&] { torch::autograd::grad({y}, {gate_up}, {d}, true); });

  at::Tensor qkv = random({tokens, 3 * kHeads, kHeadDim}), out = at::empty({tokens, 3 * kHeads * kHeadDim}, options(at::kBFloat16));
  const at::Tensor table = random({tokens, kHeadDim / 2}, at::kFloat);
  bench.line("rotary_pack", {.bytes = 2.0 * 2 * tokens * 3 * kHidden + 2.0 * 4 * tokens * kHeadDim / 2}, [&] {
    cuda.rotary_pack(qkv.narrow(1, 0, kHeads), qkv.narrow(1, kHeads, kHeads), qkv.narrow(1, 2 * kHeads, kHeads), table, table, kHeadDim, false,
                     QkvLayout::separate, out);
  });
}

void optimizer(const Bench& bench) {
  constexpr std::int64_t kCount = std::int64_t{1} << 28;
  at::Tensor master = random({kCount}, at::kFloat), gradient = random({kCount}, at::kFloat), m = at::zeros({kCount}, options(at::kFloat)),
             v = at::zeros({kCount}, options(at::kFloat)), compute = at::empty({kCount}, options(at::kBFloat16)), none;
  const AdamWStep step{.learning_rate = 1e-4, .beta1 = 0.9, .beta2 = 0.95, .eps = 1e-8, .weight_decay = 0.1, .step = 3};
  bench.line("adamw, 268 M, float32 moments", {.bytes = 30.0 * kCount}, [&] { adamw_(master, gradient, m, v, compute, step); });
  bench.line("  the same without the bfloat16 copy", {.bytes = 28.0 * kCount}, [&] { adamw_(master, gradient, m, v, none, step); });
  const at::Tensor steps = at::full({}, 3.0, options(at::kFloat));
  std::vector<at::Tensor> masters{master}, gradients{gradient}, ms{m}, vs{v};
  bench.line("  torch _fused_adamw_", {.bytes = 28.0 * kCount},
             [&] { at::_fused_adamw_(masters, gradients, ms, vs, {}, {steps}, 1e-4, 0.9, 0.95, 0.1, 1e-8, false, false); });
  m = m.to(at::kBFloat16), v = v.to(at::kBFloat16);
  ms.clear(), vs.clear();
  bench.line("adamw, 268 M, bfloat16 moments", {.bytes = 22.0 * kCount}, [&] { adamw_(master, gradient, m, v, compute, step); });
  bench.line("sum_of_squares, 268 M", {.bytes = 4.0 * kCount}, [&] { sum_of_squares(gradient); });
}

void loss(const Bench& bench, CudaBackend& cuda, std::int64_t tokens) {
  const std::int64_t rows = std::min<std::int64_t>(tokens, 4096);
  const at::Tensor logits = random({rows, kVocabulary}, at::kFloat), targets = at::randint(0, kVocabulary, {tokens}, options(at::kLong));
  at::Tensor log_probability = at::empty({rows}, options(at::kFloat)), gradient = at::empty({rows, kVocabulary}, options(at::kBFloat16));
  const at::Tensor factor = at::full({rows}, -1e-4, options(at::kFloat));
  bench.line("softmax_rows, loss and gradient, 4096 rows", {.bytes = 6.0 * rows * kVocabulary},
             [&] { cuda.softmax_rows(logits, targets.narrow(0, 0, rows), 1.0, factor, log_probability, {}, {}, gradient); });
  Parameter weight = parameter(random({kVocabulary, kHidden}));
  const at::Tensor hidden = random({tokens, kHidden}).requires_grad_(true);
  bench.line("next_token_loss, forward and backward", {.operations = 6.0 * tokens * kHidden * kVocabulary},
             [&] { next_token_loss(hidden, {.weight = &weight}, targets, 1e-4); });
}

void attention(const Bench& bench, std::int64_t tokens, std::int64_t length, std::int64_t window) {
  data::MicroBatch micro;
  for (std::int64_t begin = 0; begin < tokens; begin += length) {
    const std::int64_t end = std::min(begin + length, tokens);
    for (std::int64_t i = begin; i < end; ++i) micro.positions.push_back(static_cast<std::int32_t>(i - begin));
    micro.segments.push_back({.begin = static_cast<std::int32_t>(begin), .end = static_cast<std::int32_t>(end)});
  }
  micro.tokens.assign(tokens, 1);
  micro.targets.assign(tokens, 1);
  const PackedBatch batch = to_device(micro, at::Device(at::kCUDA, 0));
  const AttentionShape shape{kHeads, kHeads, kHeadDim, kHeadDim, window, 1.0 / std::sqrt(static_cast<double>(kHeadDim))};
  const at::Tensor qkv = random({tokens, 3 * kHidden}).requires_grad_(true), table = random({tokens, kHeadDim / 2}, at::kFloat), d = random({tokens, kHidden});
  double pairs = 0;
  for (const data::Segment& s : batch.segments) {
    for (std::int64_t i = 0; i < s.end - s.begin; ++i) pairs += static_cast<double>(window > 0 ? std::min(i + 1, window) : i + 1);
  }
  const double forward = 4.0 * pairs * kHidden;
  const std::string name = "attention, documents of " + std::to_string(length) + (window > 0 ? ", window " + std::to_string(window) : "");
  {
    const at::NoGradGuard inference;
    bench.line(name + ", forward", {.operations = forward}, [&] { packed_attention(qkv, table, table, batch, shape); });
  }
  const at::Tensor out = packed_attention(qkv, table, table, batch, shape);
  bench.line(name + ", backward", {.operations = 2.5 * forward}, [&] { torch::autograd::grad({out}, {qkv}, {d}, true); });
}

void linears(const Bench& bench, std::int64_t tokens) {
  const std::vector<std::tuple<const char*, std::int64_t, std::int64_t>> shapes = {
      {"qkv_proj", kHidden, 3 * kHidden}, {"o_proj", kHidden, kHidden}, {"gate_up_proj", kHidden, 2 * kIntermediate}, {"down_proj", kIntermediate, kHidden}};
  for (const auto& [name, in, out] : shapes) {
    Parameter weight = parameter(random({out, in}));
    const at::Tensor x = random({tokens, in}).requires_grad_(true), d = random({tokens, out});
    const double product = 2.0 * tokens * in * out;
    {
      const at::NoGradGuard inference;
      bench.line(std::string("linear ") + name + ", forward", {.operations = product}, [&] { linear(x, weight); });
    }
    bench.line(std::string("linear ") + name + ", forward and backward", {.operations = 3 * product},
               [&] { torch::autograd::grad({linear(x, weight)}, {x}, {d}); });
    bench.line("  torch, bfloat16 weight gradient", {.operations = 3 * product}, [&] {
      const at::NoGradGuard plain;
      at::mm(x, weight.value.t());
      at::mm(d, weight.value);
      at::mm(d.t(), x);
    });
  }
}

// The experts of one layer of Phi-3.5-MoE, every expert about equally loaded, beside dense products of the same size: the ceiling of its matrix products.
void mixture(const Bench& bench, std::int64_t tokens) {
  constexpr std::int64_t kExperts = 16, kTop = 2, kWidth = 4096, kInner = 6400;
  Parameter gate_up = parameter(random({kExperts, 2 * kInner, kWidth})), down = parameter(random({kExperts, kWidth, kInner}));
  Experts experts;
  experts.count = kExperts;
  experts.gate_up = &gate_up;
  experts.down = &down;
  const at::Tensor x = random({tokens, kWidth}).requires_grad_(true), d = random({tokens, kWidth});
  const at::Tensor first = at::randint(kExperts, {tokens, 1}, options(at::kLong));
  const at::Tensor chosen = at::cat({first, (first + 1 + at::randint(kExperts - 1, {tokens, 1}, options(at::kLong))).remainder(kExperts)}, 1);
  const at::Tensor weights = at::full({tokens, kTop}, 0.5, options(at::kFloat)).requires_grad_(true);
  const double product = 2.0 * tokens * kTop * 3 * kWidth * kInner;
  const std::string size = ", " + std::to_string(tokens) + " tokens";
  {
    const at::NoGradGuard inference;
    bench.line("experts, forward" + size, {.operations = product}, [&] { expert_mlp(x, chosen, weights, experts, {}); });
  }
  bench.line("experts, forward and backward" + size, {.operations = 3 * product},
             [&] { torch::autograd::grad({expert_mlp(x, chosen, weights, experts, {})}, {x}, {d}); });
  const at::Tensor rows = random({kTop * tokens, kWidth}), inner = random({kTop * tokens, kInner}), up = random({2 * kInner, kWidth}),
                   back = random({kWidth, kInner});
  bench.line("  dense products of the forward" + size, {.operations = product}, [&] {
    const at::NoGradGuard plain;
    at::mm(rows, up.t());
    at::mm(inner, back.t());
  });
}

void decoding(const Bench& bench, std::int64_t batch, std::int64_t length) {
  const AttentionShape shape{kHeads, kHeads, kHeadDim, kHeadDim, 0, 1.0 / std::sqrt(static_cast<double>(kHeadDim))};
  KeyValueCache cache{random({batch, kHeads, length + 1, kHeadDim}), random({batch, kHeads, length + 1, kHeadDim})};
  const at::Tensor qkv = random({batch, 3 * kHidden}), table = random({batch, kHeadDim / 2}, at::kFloat);
  std::vector<std::int64_t> slots, lengths(batch, length);
  for (std::int64_t b = 0; b < batch; ++b) slots.push_back(b);
  const at::NoGradGuard inference;
  bench.line("decode_attention, " + std::to_string(batch) + " sequences of " + std::to_string(length), {.bytes = 2.0 * 2 * batch * kHidden * length},
             [&] { decode_attention(qkv, table, table, slots, lengths, shape, cache); });
}

int run(std::int64_t tokens) {
  CudaBackend* cuda = cuda_backend();
  if (cuda == nullptr) {
    std::printf("no GPU: %s\n", cuda_unavailable_reason().c_str());
    return 0;
  }
  cuda->set_device(0);
  std::printf("%s; %s; %lld tokens, bfloat16\n", cuda->describe(0).name.c_str(), cuda->versions().c_str(), static_cast<long long>(tokens));
  const Bench bench(*cuda);
  norm(bench, tokens);
  swiglu_and_rotary(bench, *cuda, tokens);
  optimizer(bench);
  loss(bench, *cuda, tokens);
  for (const std::int64_t window : {0, 2047}) attention(bench, tokens, 4096, window);
  attention(bench, tokens, 512, 0);
  linears(bench, tokens);
  for (const std::int64_t mixture_tokens : {2048, 8192, 16384}) mixture(bench, mixture_tokens);
  decoding(bench, 8, 1024);
  decoding(bench, 64, 1024);
  decoding(bench, 1, 16384);
  return 0;
}

}  // namespace
}  // namespace phidias::kernels

int main(int argc, char** argv) { return phidias::kernels::run(argc > 1 ? std::atoll(argv[1]) : 16384); }
