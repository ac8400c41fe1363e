// Philox-4x32-10 of base/philox.h and the draws of kernels/draws.h as device code: the same bits.
#pragma once

#include <cuda_runtime.h>

#include <cstdint>

namespace phidias::kernels::cuda {

// Four words: block `index` of a token at a site.
__device__ __forceinline__ uint4 draw_block(std::uint64_t token_key, std::uint64_t site, std::uint32_t index) {
  uint4 counter = make_uint4(index, 0u, static_cast<std::uint32_t>(site), static_cast<std::uint32_t>(site >> 32));
  std::uint32_t k0 = static_cast<std::uint32_t>(token_key), k1 = static_cast<std::uint32_t>(token_key >> 32);
#pragma unroll
  for (int round = 0; round < 10; ++round) {
    const std::uint32_t high0 = __umulhi(0xD2511F53u, counter.x), low0 = 0xD2511F53u * counter.x;
    const std::uint32_t high1 = __umulhi(0xCD9E8D57u, counter.z), low1 = 0xCD9E8D57u * counter.z;
    counter = make_uint4(high1 ^ counter.y ^ k0, low1, high0 ^ counter.w ^ k1, low0);
    k0 += 0x9E3779B9u;
    k1 += 0xBB67AE85u;
  }
  return counter;
}

__device__ __forceinline__ std::uint32_t word_of(const uint4& block, int word) {
  return word == 0 ? block.x : word == 1 ? block.y : word == 2 ? block.z : block.w;
}

// The products are exact: no fused rounding can differ from the CPU's.
__device__ __forceinline__ float open_uniform(std::uint32_t word) { return (static_cast<float>(word >> 8) + 0.5f) * 0x1p-24f; }

// Element `element` of what is drawn for a token at a site.
__device__ __forceinline__ float drawn_uniform(std::uint64_t token_key, std::uint64_t site, int element) {
  return open_uniform(word_of(draw_block(token_key, site, static_cast<std::uint32_t>(element / 4)), element % 4));
}

}  // namespace phidias::kernels::cuda
