// Rotation of queries and keys on the way from (q, k, v) to one packed row per token; one block per token.
//
// A thread handles two packs of a head: for rotated heads the packs c and c + rotary_dim / 2, which form pairs; beyond the rotated part, and for
// values, two neighbours are copied. Each thread reads before it writes and no two share an element, so the output may be the input's memory
// when both have the same layout.
#include "kernels/cuda/vector.cuh"

namespace phidias::kernels::cuda {
namespace {

template <typename T, int kVec>
__global__ void rotary_kernel(RotaryArguments a) {
  const std::int64_t token = blockIdx.x;
  const int pairs = a.head_dim / (2 * kVec), rotated_pairs = a.rotary_dim / (2 * kVec), half = a.rotary_dim / 2;
  const int rows = a.heads + 2 * a.kv_heads, group = a.heads / a.kv_heads;
  T* out = static_cast<T*>(a.out) + token * rows * a.head_dim;
  for (int item = threadIdx.x; item < rows * pairs; item += blockDim.x) {
    const int head = item / pairs, pair = item - head * pairs;
    const T* from;
    if (head < a.heads)
      from = static_cast<const T*>(a.q) + token * a.q_stride + head * a.head_dim + head / group * a.group_gap;
    else if (head < a.heads + a.kv_heads)
      from = static_cast<const T*>(a.k) + token * a.k_stride + (head - a.heads) * a.kv_step;
    else
      from = static_cast<const T*>(a.v) + token * a.v_stride + (head - a.heads - a.kv_heads) * a.kv_step;
    const bool rotate = head < a.heads + a.kv_heads && pair < rotated_pairs;
    const int first = rotate ? pair * kVec : 2 * pair * kVec, second = rotate ? first + half : first + kVec;
    float x[kVec], y[kVec];
    load(from + first, x);
    load(from + second, y);
    if (rotate) {
#pragma unroll
      for (int i = 0; i < kVec; ++i) {
        const float c = __ldg(a.cos + token * half + first + i),
                    s = a.inverse ? -__ldg(a.sin + token * half + first + i) : __ldg(a.sin + token * half + first + i);
        const float turned = x[i] * c - y[i] * s;
        y[i] = y[i] * c + x[i] * s;
        x[i] = turned;
      }
    }
    int place = head;
    if (a.grouped_out) {
      if (head < a.heads)
        place = head + head / group * 2;
      else
        place = (head - a.heads) % a.kv_heads * (group + 2) + group + (head - a.heads) / a.kv_heads;
    }
    store(out + place * a.head_dim + first, x);
    store(out + place * a.head_dim + second, y);
  }
}

}  // namespace

cudaError_t rotary_pack(Element type, const RotaryArguments& a, cudaStream_t stream) {
  if (a.tokens == 0) return cudaSuccess;
  return with_type(type, [&](auto tag) {
    using T = decltype(tag);
    constexpr int kVec = kWide<T>;
    const bool wide = aligned(a.q) && aligned(a.k) && aligned(a.v) && aligned(a.out) && a.q_stride % kVec == 0 && a.k_stride % kVec == 0 &&
                      a.v_stride % kVec == 0 && a.head_dim % (2 * kVec) == 0 && a.rotary_dim % (2 * kVec) == 0;
    const std::int64_t items = static_cast<std::int64_t>(a.heads + 2 * a.kv_heads) * a.head_dim / (wide ? 2 * kVec : 2);
    const int threads = items >= 256 ? 256 : static_cast<int>(divide_up(items, 32) * 32);
    if (wide)
      rotary_kernel<T, kVec><<<static_cast<unsigned>(a.tokens), threads, 0, stream>>>(a);
    else
      rotary_kernel<T, 1><<<static_cast<unsigned>(a.tokens), threads, 0, stream>>>(a);
    return cudaGetLastError();
  });
}

}  // namespace phidias::kernels::cuda
