// Block-sparse attention against the dense mask, in one run: times of forward and of forward with gradient, and their ratios.
//
//   block_sparse_bench [--tokens 8192] [--heads 8] [--rounds 5]
//
// Phi-3-small's shapes and pattern (head size 128, four query heads a key head, blocks of 64, 16 local ones, every 8th column). Beside it: the same
// kernel over all causal keys, which is the least that any use of a dense mask computes, and ATen's attention with the pattern as a boolean mask.
// Rounds are interleaved, medians compared; on a machine that is not idle the ratio of processor time (one thread) is the one that counts. The largest
// difference between the two masked results is printed.
#include <ATen/Parallel.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/rand.h>
#include <ATen/ops/scaled_dot_product_attention.h>
#include <ATen/ops/zeros.h>
#include <torch/csrc/autograd/autograd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <functional>
#include <string>
#include <vector>

#include "kernels/allocator.h"
#include "kernels/attention.h"
#include "kernels/cpu/dispatch.h"

namespace phidias::kernels {
namespace {

constexpr std::int64_t kHeadDim = 128;
constexpr BlockSparsePattern kPattern{64, 16, 8, 1};

struct Times {
  std::vector<double> wall, processor;  // milliseconds; processor: of all threads
  void add(const std::function<void()>& work) {
    const auto start = std::chrono::steady_clock::now();
    const std::clock_t processor_start = std::clock();
    work();
    processor.push_back(1e3 * static_cast<double>(std::clock() - processor_start) / CLOCKS_PER_SEC);
    wall.push_back(std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start).count());
  }
};

double median(std::vector<double> times) {
  std::sort(times.begin(), times.end());
  return times[times.size() / 2];
}

struct Attention {
  Attention(std::int64_t tokens, std::int64_t heads)
      : shape{heads, heads / 4, kHeadDim, kHeadDim, 0, 1.0 / kHeadDim, QkvLayout::separate, kPattern},
        qkv(at::rand({tokens, (shape.heads + 2 * shape.kv_heads) * kHeadDim}).sub(0.5).mul(4.0)),
        cos(at::ones({tokens, kHeadDim / 2})),
        sin(at::zeros({tokens, kHeadDim / 2})) {
    data::MicroBatch stream;
    for (std::int64_t t = 0; t < tokens; ++t) {
      stream.tokens.push_back(0);
      stream.positions.push_back(static_cast<std::int32_t>(t));
      stream.targets.push_back(data::kIgnoredTarget);
    }
    stream.segments.push_back({.begin = 0, .end = static_cast<std::int32_t>(tokens)});
    batch = to_device(stream, at::kCPU);
  }

  at::Tensor run(bool sparse) const {
    AttentionShape used = shape;
    if (!sparse) used.sparse = {};
    return packed_attention(qkv, cos, sin, batch, used);
  }
  void train(bool sparse) {
    qkv.requires_grad_(true);
    const at::Tensor out = run(sparse);
    torch::autograd::grad({out}, {qkv}, {out.detach()});
    qkv.requires_grad_(false);
  }

  // [heads, T, T], one document.
  at::Tensor mask() const {
    const std::int64_t tokens = qkv.size(0);
    const at::Tensor position = at::arange(tokens, at::kLong), block = position.floor_divide(kPattern.block_size);
    const at::Tensor causal = position.unsqueeze(1).ge(position.unsqueeze(0));
    const at::Tensor local = block.unsqueeze(1).sub(block.unsqueeze(0)).lt(kPattern.local_blocks);
    const at::Tensor shift = at::arange(shape.heads, at::kLong).mul(kPattern.head_step).add(1).view({shape.heads, 1, 1});
    const at::Tensor columns = block.view({1, 1, tokens}).add(shift).remainder(kPattern.vertical_stride).eq(0);
    return local.logical_or(columns).logical_and(causal);
  }
  at::Tensor with_mask(const at::Tensor& mask) const {
    const std::int64_t tokens = qkv.size(0), group = shape.heads / shape.kv_heads;
    const at::Tensor rows = qkv.view({tokens, shape.heads + 2 * shape.kv_heads, kHeadDim}).transpose(0, 1);
    const at::Tensor q = rows.narrow(0, 0, shape.heads), k = rows.narrow(0, shape.heads, shape.kv_heads).repeat_interleave(group, 0),
                     v = rows.narrow(0, shape.heads + shape.kv_heads, shape.kv_heads).repeat_interleave(group, 0);
    const at::Tensor out =
        at::scaled_dot_product_attention(q.unsqueeze(0), k.unsqueeze(0), v.unsqueeze(0), mask.unsqueeze(0), 0.0, /*is_causal=*/false, shape.scale);
    return out.squeeze(0).transpose(0, 1).reshape({tokens, shape.heads * kHeadDim});
  }

  AttentionShape shape;
  at::Tensor qkv, cos, sin;
  PackedBatch batch;
};

void compare(const char* name, int rounds, const std::function<void()>& sparse, const std::function<void()>& dense) {
  sparse();
  dense();
  Times sparse_times, dense_times;
  for (int i = 0; i < rounds; ++i) {
    sparse_times.add(sparse);
    dense_times.add(dense);
  }
  std::printf("%-54s %8.0f ms against %8.0f ms: ratio %.2f (of processor time %.2f)\n", name, median(sparse_times.wall), median(dense_times.wall),
              median(dense_times.wall) / median(sparse_times.wall), median(dense_times.processor) / median(sparse_times.processor));
}

int bench(std::int64_t tokens, std::int64_t heads, int rounds) {
  std::int64_t seen = 0, causal = 0;
  const std::int64_t blocks = (tokens + kPattern.block_size - 1) / kPattern.block_size;
  for (std::int64_t head = 0; head < heads; ++head)
    for (std::int64_t i = 0; i < blocks; ++i)
      for (std::int64_t j = 0; j <= i; ++j, ++causal) seen += kPattern.sees(head, i, j);
  std::printf("%s, %d threads, %lld tokens, %lld heads of %lld; %lld of %lld causal block pairs are seen: at best a ratio of %.2f\n", cpu::kernels().name,
              at::get_num_threads(), static_cast<long long>(tokens), static_cast<long long>(heads), static_cast<long long>(kHeadDim),
              static_cast<long long>(seen), static_cast<long long>(causal), static_cast<double>(causal) / static_cast<double>(seen));
  Attention attention(tokens, heads);
  {
    const at::NoGradGuard no_gradients;
    compare("forward, pattern against all causal keys", rounds, [&] { attention.run(true); }, [&] { attention.run(false); });
  }
  compare("forward and gradient, pattern against all causal keys", rounds, [&] { attention.train(true); }, [&] { attention.train(false); });
  const at::NoGradGuard no_gradients;
  const at::Tensor mask = attention.mask();
  compare("forward, pattern against ATen with a boolean mask", std::min(rounds, 3), [&] { attention.run(true); }, [&] { attention.with_mask(mask); });
  const double difference = attention.run(true).sub(attention.with_mask(mask)).abs().max().item<double>();
  std::printf("largest difference of the two results: %.1e\n", difference);
  return difference < 1e-4 ? 0 : 1;
}

}  // namespace
}  // namespace phidias::kernels

int main(int argc, char** argv) {
  phidias::kernels::keep_freed_memory();
  std::int64_t tokens = 8192, heads = 8;
  int rounds = 5;
  for (int i = 1; i + 1 < argc; i += 2) {
    const std::string name = argv[i];
    if (name == "--tokens") tokens = std::atoll(argv[i + 1]);
    if (name == "--heads") heads = std::atoll(argv[i + 1]);
    if (name == "--rounds") rounds = std::atoi(argv[i + 1]);
  }
  return phidias::kernels::bench(tokens, heads, rounds);
}
