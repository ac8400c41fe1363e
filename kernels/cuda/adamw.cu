// AdamW over flat memory: per parameter 28 bytes are read and written once (20 with bfloat16 moments), 2 more for the bfloat16 compute copy.
#include "kernels/cuda/vector.cuh"

namespace phidias::kernels::cuda {
namespace {

constexpr int kThreads = 256;

template <typename M, int kVec>
__global__ void adamw_kernel(AdamWArguments a, std::int64_t begin, std::int64_t packs) {
  const std::int64_t index = static_cast<std::int64_t>(blockIdx.x) * kThreads + threadIdx.x;
  if (index >= packs) return;
  const std::int64_t at = begin + index * kVec;
  float w[kVec], g[kVec], m[kVec], v[kVec];
  load(a.master + at, w);
  load(a.gradient + at, g);
  load(static_cast<M*>(a.exp_avg) + at, m);
  load(static_cast<M*>(a.exp_avg_sq) + at, v);
#pragma unroll
  for (int i = 0; i < kVec; ++i) {
    const float gradient = g[i] * a.gradient_factor;
    m[i] = a.beta1 * m[i] + (1.0f - a.beta1) * gradient;
    v[i] = a.beta2 * v[i] + (1.0f - a.beta2) * gradient * gradient;
    w[i] = w[i] * a.decay_factor - a.step_size * m[i] / (sqrtf(v[i]) * a.inverse_root_correction2 + a.eps);
  }
  store(a.master + at, w);
  store(static_cast<M*>(a.exp_avg) + at, m);
  store(static_cast<M*>(a.exp_avg_sq) + at, v);
  if (a.compute != nullptr) store(static_cast<__nv_bfloat16*>(a.compute) + at, w);
}

template <typename M, int kVec>
cudaError_t launch(const AdamWArguments& a, std::int64_t begin, std::int64_t packs, cudaStream_t stream) {
  if (packs == 0) return cudaSuccess;
  adamw_kernel<M, kVec><<<static_cast<unsigned>(divide_up(packs, kThreads)), kThreads, 0, stream>>>(a, begin, packs);
  return cudaGetLastError();
}

}  // namespace

cudaError_t adamw(Element moments, const AdamWArguments& a, cudaStream_t stream) {
  return with_type(moments, [&](auto tag) {
    using M = decltype(tag);
    const bool wide = aligned(a.master) && aligned(a.gradient) && aligned(a.exp_avg) && aligned(a.exp_avg_sq) && aligned(a.compute);
    const std::int64_t packs = wide ? a.count / 4 : 0;
    const cudaError_t error = launch<M, 4>(a, 0, packs, stream);
    return error != cudaSuccess ? error : launch<M, 1>(a, packs * 4, a.count - packs * 4, stream);
  });
}

}  // namespace phidias::kernels::cuda
