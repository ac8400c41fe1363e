// Softmax statistics and gradients of rows of logits; one block per row, which is read twice (the second time from the L2 cache).
//
// Maximum and sum are found in one pass: a thread rescales its running sum when it meets a new maximum (online softmax), then the threads are joined.
#include "kernels/cuda/vector.cuh"

namespace phidias::kernels::cuda {
namespace {

constexpr int kThreads = 512;

struct RowStatistics {
  float maximum, sum;      // sum of exp(x - maximum)
  float weighted;          // sum of exp(x - maximum) * (x - maximum), for the entropy
  __device__ float log_sum_exp() const { return maximum + logf(sum); }
};

template <bool kEntropy, typename T, int kVec>
__device__ RowStatistics row_statistics(const T* row, int packs, float scale, float* shared) {
  float maximum = -INFINITY, sum = 0.0f, weighted = 0.0f;
  for (int pack = threadIdx.x; pack < packs; pack += kThreads) {
    float x[kVec];
    load(row + pack * kVec, x);
    float highest = -INFINITY;
#pragma unroll
    for (int i = 0; i < kVec; ++i) {
      x[i] *= scale;
      highest = fmaxf(highest, x[i]);
    }
    if (highest > maximum) {
      const float shift = highest - maximum, factor = expf(-shift);   // at first the maximum is -inf and the factor 0
      if (kEntropy) weighted = sum > 0.0f ? (weighted - shift * sum) * factor : 0.0f;
      sum *= factor;
      maximum = highest;
    }
#pragma unroll
    for (int i = 0; i < kVec; ++i) {
      const float distance = x[i] - maximum, e = x[i] == -INFINITY ? 0.0f : expf(distance);   // masked logits count nothing; NaN stays visible
      sum += e;
      if (kEntropy && e > 0.0f) weighted += e * distance;
    }
  }
  const float highest = block_reduce(maximum, -INFINITY, shared, Max{});
  const float shift = highest - maximum, factor = sum > 0.0f ? expf(-shift) : 0.0f;
  RowStatistics result{highest, 0.0f, 0.0f};
  if (kEntropy) result.weighted = block_reduce(factor > 0.0f ? (weighted - shift * sum) * factor : 0.0f, 0.0f, shared, Add{});
  result.sum = block_reduce(sum * factor, 0.0f, shared, Add{});
  return result;
}

// gradient = (softmax - onehot) * factor
template <typename T, typename G, int kVec>
__device__ void write_gradient(const T* row, G* gradient, int packs, float scale, float log_sum_exp, std::int64_t target, float factor) {
  for (int pack = threadIdx.x; pack < packs; pack += kThreads) {
    float x[kVec];
    load(row + pack * kVec, x);
#pragma unroll
    for (int i = 0; i < kVec; ++i) {
      const float probability = expf(x[i] * scale - log_sum_exp);
      x[i] = (pack * kVec + i == target ? probability - 1.0f : probability) * factor;
    }
    store(gradient + pack * kVec, x);
  }
}

template <typename G, int kVec>
__device__ void write_zeros(G* gradient, int packs) {
  const float zeros[kVec] = {};
  for (int pack = threadIdx.x; pack < packs; pack += kThreads) store(gradient + pack * kVec, zeros);
}

template <typename T, typename G, int kVec>
__global__ void __launch_bounds__(kThreads) cross_entropy_kernel(LogitRows in, int packs, float gradient_scale, float* loss, G* gradient) {
  __shared__ float shared[32];
  const T* row = static_cast<const T*>(in.logits) + blockIdx.x * in.vocabulary;
  G* out = gradient + blockIdx.x * in.vocabulary;
  const std::int64_t target = in.targets[blockIdx.x];
  if (target < 0 || target >= in.vocabulary) {
    if (threadIdx.x == 0) loss[blockIdx.x] = 0.0f;
    write_zeros<G, kVec>(out, packs);
    return;
  }
  const float target_logit = to_float(row[target]) * in.logit_scale;   // read before the gradient may overwrite it
  const float log_sum_exp = row_statistics<false, T, kVec>(row, packs, in.logit_scale, shared).log_sum_exp();
  if (threadIdx.x == 0) loss[blockIdx.x] = log_sum_exp - target_logit;
  write_gradient<T, G, kVec>(row, out, packs, in.logit_scale, log_sum_exp, target, gradient_scale * in.logit_scale);
}

template <typename T, int kVec>
__global__ void __launch_bounds__(kThreads) statistics_kernel(LogitRows in, int packs, float* log_probability, float* log_sum_exp, float* entropy) {
  __shared__ float shared[32];
  const T* row = static_cast<const T*>(in.logits) + blockIdx.x * in.vocabulary;
  const RowStatistics statistics = row_statistics<true, T, kVec>(row, packs, in.logit_scale, shared);
  if (threadIdx.x != 0) return;
  const std::int64_t target = in.targets[blockIdx.x];
  const bool counted = target >= 0 && target < in.vocabulary;
  log_sum_exp[blockIdx.x] = statistics.log_sum_exp();
  log_probability[blockIdx.x] = counted ? to_float(row[target]) * in.logit_scale - statistics.log_sum_exp() : 0.0f;
  entropy[blockIdx.x] = logf(statistics.sum) - statistics.weighted / statistics.sum;   // log-sum-exp - mean of x
}

template <typename T, typename G, int kVec>
__global__ void __launch_bounds__(kThreads) backward_kernel(LogitRows in, int packs, const float* log_sum_exp, const float* row_gradient, G* gradient) {
  const T* row = static_cast<const T*>(in.logits) + blockIdx.x * in.vocabulary;
  G* out = gradient + blockIdx.x * in.vocabulary;
  const std::int64_t target = in.targets[blockIdx.x];
  if (target < 0 || target >= in.vocabulary) {
    write_zeros<G, kVec>(out, packs);
    return;
  }
  write_gradient<T, G, kVec>(row, out, packs, in.logit_scale, log_sum_exp[blockIdx.x], target, -row_gradient[blockIdx.x] * in.logit_scale);
}

// Packs of eight values (four for float32 alone) when every row starts on a 16-byte boundary of both buffers.
template <typename Launch>
void with_packs(const LogitRows& in, const void* gradient, int wide, Launch launch) {
  const bool fits = in.vocabulary % wide == 0 && aligned(in.logits) && aligned(gradient);
  if (fits) launch.template operator()<true>(static_cast<int>(in.vocabulary / wide));
  else launch.template operator()<false>(static_cast<int>(in.vocabulary));
}

}  // namespace

cudaError_t cross_entropy(Element logits_type, Element gradient_type, const LogitRows& in, float gradient_scale, float* loss, void* gradient,
                          cudaStream_t stream) {
  if (in.rows == 0) return cudaSuccess;
  return with_type(logits_type, [&](auto tag) {
    using T = decltype(tag);
    return with_type(gradient_type, [&](auto gradient_tag) {
      using G = decltype(gradient_tag);
      with_packs(in, gradient, kWide<T>, [&]<bool kFits>(int packs) {
        cross_entropy_kernel<T, G, kFits ? kWide<T> : 1>
            <<<static_cast<unsigned>(in.rows), kThreads, 0, stream>>>(in, packs, gradient_scale, loss, static_cast<G*>(gradient));
      });
      return cudaGetLastError();
    });
  });
}

cudaError_t token_statistics(Element logits_type, const LogitRows& in, float* log_probability, float* log_sum_exp, float* entropy, cudaStream_t stream) {
  if (in.rows == 0) return cudaSuccess;
  return with_type(logits_type, [&](auto tag) {
    using T = decltype(tag);
    with_packs(in, nullptr, kWide<T>, [&]<bool kFits>(int packs) {
      statistics_kernel<T, kFits ? kWide<T> : 1>
          <<<static_cast<unsigned>(in.rows), kThreads, 0, stream>>>(in, packs, log_probability, log_sum_exp, entropy);
    });
    return cudaGetLastError();
  });
}

cudaError_t log_probability_backward(Element logits_type, Element gradient_type, const LogitRows& in, const float* log_sum_exp, const float* row_gradient,
                                     void* gradient, cudaStream_t stream) {
  if (in.rows == 0) return cudaSuccess;
  return with_type(logits_type, [&](auto tag) {
    using T = decltype(tag);
    return with_type(gradient_type, [&](auto gradient_tag) {
      using G = decltype(gradient_tag);
      with_packs(in, gradient, kWide<T>, [&]<bool kFits>(int packs) {
        backward_kernel<T, G, kFits ? kWide<T> : 1>
            <<<static_cast<unsigned>(in.rows), kThreads, 0, stream>>>(in, packs, log_sum_exp, row_gradient, static_cast<G*>(gradient));
      });
      return cudaGetLastError();
    });
  });
}

}  // namespace phidias::kernels::cuda
