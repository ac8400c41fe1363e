// Times of the CPU operations at the shapes of a training step and of generation, as medians beside the best and the processor time.
//
//   kernels_bench [--size 8m|60m] [--rounds N]         PHIDIAS_CPU=plain|avx2|avx512 and OMP_NUM_THREADS choose the build and the threads
#include <ATen/Parallel.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/mm.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/rand.h>
#include <ATen/ops/randint.h>
#include <ATen/ops/zeros.h>
#include <torch/csrc/autograd/autograd.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <functional>
#include <string>
#include <vector>

#include "kernels/adamw.h"
#include "kernels/allocator.h"
#include "kernels/cpu/dispatch.h"
#include "kernels/dtype_probe.h"
#include "kernels/operations.h"

namespace phidias::kernels {
namespace {

struct Size {
  std::int64_t hidden, layers, intermediate, vocab, heads;
};

struct Times {
  double median, best, processor;  // milliseconds; processor time of all threads (median) is what counts on a machine that is not idle
};

Times time_of(int rounds, const std::function<void()>& work) {
  work();
  std::vector<double> times, processor_times;
  for (int i = 0; i < rounds; ++i) {
    const auto start = std::chrono::steady_clock::now();
    const std::clock_t processor_start = std::clock();
    work();
    processor_times.push_back(1e3 * static_cast<double>(std::clock() - processor_start) / CLOCKS_PER_SEC);
    times.push_back(std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start).count());
  }
  std::sort(times.begin(), times.end());
  std::sort(processor_times.begin(), processor_times.end());
  return {times[times.size() / 2], times.front(), processor_times[times.size() / 2]};
}

// Rates are those of the best time.
void line(const char* name, Times times, double gflop, double megabytes) {
  std::printf("%-44s %9.3f ms (best %9.3f, processor %9.3f)", name, times.median, times.best, times.processor);
  if (gflop > 0) std::printf("  %8.1f GFLOP/s", gflop / times.best * 1e3);
  if (megabytes > 0) std::printf("  %6.1f GB/s", megabytes / times.best);
  std::printf("\n");
}

Parameter parameter(std::vector<std::int64_t> shape) {
  Parameter p;
  p.value = at::rand(shape).sub_(0.5).mul_(0.05).requires_grad_(true);
  p.gradient = at::zeros(shape, at::kFloat);
  return p;
}

PackedBatch documents_of(std::int64_t tokens, std::int64_t length) {
  data::MicroBatch batch;
  for (std::int64_t t = 0; t < tokens; ++t) {
    batch.tokens.push_back(0);
    batch.positions.push_back(static_cast<std::int32_t>(t % length));
    batch.targets.push_back(0);
  }
  for (std::int64_t begin = 0; begin < tokens; begin += length)
    batch.segments.push_back({.begin = static_cast<std::int32_t>(begin), .end = static_cast<std::int32_t>(std::min(tokens, begin + length))});
  return to_device(batch, at::kCPU);
}

// One operation forward, then forward and backward together.
void both_ways(const char* name, int rounds, double forward_gflop, const at::Tensor& input, const std::function<at::Tensor(const at::Tensor&)>& apply) {
  const Times forward = time_of(rounds, [&] { apply(input); });
  const at::Tensor d_out = at::ones(apply(input).sizes());
  const Times whole = time_of(rounds, [&] {
    torch::autograd::backward({apply(input)}, {d_out});
    input.mutable_grad().reset();
  });
  line((std::string(name) + " forward").c_str(), forward, forward_gflop, 0);
  line((std::string(name) + " forward + backward").c_str(), whole, 0, 0);
}

void training(const Size& s, int rounds) {
  const std::int64_t tokens = 2048, head_dim = s.hidden / s.heads;
  const at::Tensor x = at::rand({tokens, s.hidden}).requires_grad_(true);
  Parameter norm = parameter({s.hidden}), up = parameter({2 * s.intermediate, s.hidden}), head = parameter({s.vocab, s.hidden});
  std::printf("training, %ld tokens in documents of 512, hidden %ld\n", tokens, s.hidden);
  both_ways("add_rms_norm", rounds, 0, x, [&](const at::Tensor& t) { return add_rms_norm(t, x, norm, 1e-5).second; });
  both_ways("linear to gate_up", rounds, 2e-9 * tokens * s.hidden * 2 * s.intermediate, x, [&](const at::Tensor& t) { return linear(t, up); });
  both_ways("swiglu", rounds, 0, at::rand({tokens, 2 * s.intermediate}).requires_grad_(true), [](const at::Tensor& t) { return swiglu(t); });
  const AttentionShape shape{s.heads, s.heads, head_dim, head_dim, 0, 1.0 / std::sqrt(static_cast<double>(head_dim))};
  const PackedBatch batch = documents_of(tokens, 512);
  const at::Tensor cos = at::rand({tokens, head_dim / 2}), sin = at::rand({tokens, head_dim / 2});
  // Useful work only: half of every square of scores, two products.
  both_ways("packed_attention", rounds, 2e-9 * tokens * 512 * s.hidden, at::rand({tokens, 3 * s.hidden}).requires_grad_(true),
            [&](const at::Tensor& t) { return packed_attention(t, cos, sin, batch, shape); });
  const at::Tensor targets = at::randint(s.vocab, {tokens}, at::kLong);
  const Times loss = time_of(std::max(1, rounds / 3), [&] { next_token_loss(x, {&head}, targets, 1.0); });
  line("next_token_loss with its gradients", loss, 6e-9 * tokens * s.hidden * s.vocab, 0);
  const std::int64_t n = s.layers * (4 * s.hidden * s.hidden + 3 * s.hidden * s.intermediate) + 2 * s.vocab * s.hidden;
  at::Tensor master = at::rand({n}), gradient = at::rand({n}), m = at::zeros({n}), v = at::zeros({n}), none;
  line("adamw", time_of(rounds, [&] { adamw_(master, gradient, m, v, none, {1e-3, 0.9, 0.95, 1e-8, 0.1, 1, 1.0}); }), 0, 28e-6 * n);
  line("sum_of_squares", time_of(rounds, [&] { sum_of_squares(gradient); }), 0, 4e-6 * n);
}

void generation(const Size& s, int rounds) {
  const at::NoGradGuard no_grad;
  const std::int64_t head_dim = s.hidden / s.heads;
  Parameter up = parameter({2 * s.intermediate, s.hidden}), head = parameter({s.vocab, s.hidden});
  const AttentionShape shape{s.heads, s.heads, head_dim, head_dim, 0, 1.0 / std::sqrt(static_cast<double>(head_dim))};
  for (const std::int64_t rows : {1, 8, 16}) {
    std::printf("generation, %ld sequences\n", rows);
    const at::Tensor x = at::rand({rows, s.hidden}), qkv = at::rand({rows, 3 * s.hidden}), cos = at::rand({rows, head_dim / 2});
    const double mb = 4e-6 * 2 * s.intermediate * s.hidden, head_mb = 4e-6 * s.vocab * s.hidden;
    line("skinny gate_up", time_of(10 * rounds, [&] { linear(x, up); }), 0, mb);
    line("  torch's product", time_of(10 * rounds, [&] { at::mm(x, up.value.t()); }), 0, mb);
    line("last_logits", time_of(5 * rounds, [&] { last_logits(x, {&head}); }), 0, head_mb);
    line("  torch's product", time_of(5 * rounds, [&] { at::mm(x, head.value.t()); }), 0, head_mb);
    KeyValueCache cache{at::rand({rows, s.heads, 256, head_dim}), at::rand({rows, s.heads, 256, head_dim})};
    std::vector<std::int64_t> slots, lengths(static_cast<std::size_t>(rows), 191);
    for (std::int64_t r = 0; r < rows; ++r) slots.push_back(r);
    line("decode_attention at 192 tokens", time_of(10 * rounds, [&] { decode_attention(qkv, cos, cos, slots, lengths, shape, cache); }), 0, 0);
  }
}

}  // namespace
}  // namespace phidias::kernels

int main(int argc, char** argv) {
  using namespace phidias::kernels;
  keep_freed_memory();
  std::string size = "8m";
  int rounds = 15;
  for (int i = 1; i + 1 < argc; i += 2) {
    if (std::string(argv[i]) == "--size")
      size = argv[i + 1];
    else if (std::string(argv[i]) == "--rounds")
      rounds = std::max(1, std::atoi(argv[i + 1]));
  }
  const Size shape = size == "60m" ? Size{512, 8, 2048, 32064, 8} : Size{256, 4, 1024, 4096, 4};
  const MatrixRates rates = probe_matrix_rates();
  std::printf("%s kernels, %d threads; matrix products: float32 %.0f GFLOP/s, bfloat16 %.0f GFLOP/s (probe %.2f s)\n", cpu::kernels().name,
              at::get_num_threads(), rates.float32_gflops, rates.bfloat16_gflops, rates.seconds);
  training(shape, rounds);
  generation(shape, rounds);
  return 0;
}
