// Softmax statistics of rows of logits, and the gradient of a weighted sum of their targets' log-probabilities; one block per row, which is read twice
// (the second time from the L2 cache).
//
// Maximum and sum are found in one pass: a thread rescales its running sum when it meets a new maximum (online softmax), then the threads are joined.
#include "kernels/cuda/vector.cuh"

namespace phidias::kernels::cuda {
namespace {

constexpr int kThreads = 512;

struct Statistics {
  float maximum, sum;  // sum of exp(x - maximum)
  float weighted;      // sum of exp(x - maximum) * (x - maximum), for the entropy
};

template <bool kEntropy, typename T, int kVec>
__device__ Statistics statistics_of(const T* row, int packs, float scale, float* shared) {
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
      const float shift = highest - maximum, factor = expf(-shift);  // at first the maximum is -inf and the factor 0
      if (kEntropy) weighted = sum > 0.0f ? (weighted - shift * sum) * factor : 0.0f;
      sum *= factor;
      maximum = highest;
    }
#pragma unroll
    for (int i = 0; i < kVec; ++i) {
      const float distance = x[i] - maximum, e = x[i] == -INFINITY ? 0.0f : expf(distance);  // masked logits count nothing; NaN stays visible
      sum += e;
      if (kEntropy && e > 0.0f) weighted += e * distance;
    }
  }
  const float highest = block_reduce(maximum, -INFINITY, shared, Max{});
  const float shift = highest - maximum, factor = sum > 0.0f ? expf(-shift) : 0.0f;
  Statistics result{highest, 0.0f, 0.0f};
  if (kEntropy) result.weighted = block_reduce(factor > 0.0f ? (weighted - shift * sum) * factor : 0.0f, 0.0f, shared, Add{});
  result.sum = block_reduce(sum * factor, 0.0f, shared, Add{});
  return result;
}

// gradient = (onehot - softmax) * factor
template <typename T, typename G, int kVec>
__device__ void write_gradient(const T* row, G* gradient, int packs, float scale, float log_sum_exp, std::int64_t target, float factor) {
  for (int pack = threadIdx.x; pack < packs; pack += kThreads) {
    float x[kVec];
    load(row + pack * kVec, x);
#pragma unroll
    for (int i = 0; i < kVec; ++i) {
      const float probability = expf(x[i] * scale - log_sum_exp);
      x[i] = (pack * kVec + i == target ? 1.0f - probability : -probability) * factor;
    }
    store(gradient + pack * kVec, x);
  }
}

template <bool kEntropy, typename T, typename G, int kVec>
__global__ void __launch_bounds__(kThreads) softmax_kernel(SoftmaxRows a, int packs) {
  __shared__ float shared[32];
  const T* row = static_cast<const T*>(a.logits) + blockIdx.x * a.vocabulary;
  const std::int64_t target = a.targets[blockIdx.x];
  const bool counted = target >= 0 && target < a.vocabulary;
  const float target_logit = counted ? to_float(row[target]) * a.logit_scale : 0.0f;  // read before the gradient may overwrite it
  const Statistics found = statistics_of<kEntropy, T, kVec>(row, packs, a.logit_scale, shared);
  const float log_sum_exp = found.maximum + logf(found.sum);
  if (threadIdx.x == 0) {
    if (a.log_probability != nullptr) a.log_probability[blockIdx.x] = counted ? target_logit - log_sum_exp : 0.0f;
    if (a.log_sum_exp != nullptr) a.log_sum_exp[blockIdx.x] = log_sum_exp;
    if (kEntropy) a.entropy[blockIdx.x] = logf(found.sum) - found.weighted / found.sum;  // log-sum-exp minus the mean of x
  }
  if (a.gradient == nullptr) return;
  G* gradient = static_cast<G*>(a.gradient) + blockIdx.x * a.vocabulary;
  if (counted) {
    write_gradient<T, G, kVec>(row, gradient, packs, a.logit_scale, log_sum_exp, target, a.factor[blockIdx.x] * a.logit_scale);
    return;
  }
  const float zeros[kVec] = {};
  for (int pack = threadIdx.x; pack < packs; pack += kThreads) store(gradient + pack * kVec, zeros);
}

template <typename T, typename G, int kVec>
cudaError_t launch(const SoftmaxRows& a, cudaStream_t stream) {
  const auto rows = static_cast<unsigned>(a.rows);
  const int packs = static_cast<int>(a.vocabulary / kVec);
  if (a.entropy != nullptr)
    softmax_kernel<true, T, G, kVec><<<rows, kThreads, 0, stream>>>(a, packs);
  else
    softmax_kernel<false, T, G, kVec><<<rows, kThreads, 0, stream>>>(a, packs);
  return cudaGetLastError();
}

}  // namespace

cudaError_t softmax_rows(Element logits_type, Element gradient_type, const SoftmaxRows& a, cudaStream_t stream) {
  if (a.rows == 0) return cudaSuccess;
  return with_type(logits_type, [&](auto tag) {
    using T = decltype(tag);
    return with_type(gradient_type, [&](auto gradient_tag) {
      using G = decltype(gradient_tag);
      const bool fits = a.vocabulary % kWide<T> == 0 && aligned(a.logits) && aligned(a.gradient);  // every row then starts on a boundary
      return fits ? launch<T, G, kWide<T>>(a, stream) : launch<T, G, 1>(a, stream);
    });
  });
}

}  // namespace phidias::kernels::cuda
