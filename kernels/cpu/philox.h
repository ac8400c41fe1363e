// Philox-4x32-10 for kLanes counters at once, as base/philox.h computes it one by one. Included by cpu/*.cpp only.
#pragma once

#include "kernels/cpu/simd.h"

namespace {

// words[w][l]: word w of block `first + l` of a token at a site (kernels/draws.h).
struct DrawnBlocks {
  uint32_t words[4][kLanes];
};

inline void draw_blocks(uint64_t token_key, uint64_t site, uint32_t first, DrawnBlocks& out) {
  uint32_t c0[kLanes], c1[kLanes], c2[kLanes], c3[kLanes];
  for (int l = 0; l < kLanes; ++l) {
    c0[l] = first + static_cast<uint32_t>(l);
    c1[l] = 0;
    c2[l] = static_cast<uint32_t>(site);
    c3[l] = static_cast<uint32_t>(site >> 32);
  }
  uint32_t k0 = static_cast<uint32_t>(token_key), k1 = static_cast<uint32_t>(token_key >> 32);
  for (int round = 0; round < 10; ++round) {
    for (int l = 0; l < kLanes; ++l) {
      const uint64_t product0 = uint64_t{0xD2511F53} * c0[l], product1 = uint64_t{0xCD9E8D57} * c2[l];
      const uint32_t high0 = static_cast<uint32_t>(product0 >> 32), high1 = static_cast<uint32_t>(product1 >> 32);
      c0[l] = high1 ^ c1[l] ^ k0;
      c1[l] = static_cast<uint32_t>(product1);
      c2[l] = high0 ^ c3[l] ^ k1;
      c3[l] = static_cast<uint32_t>(product0);
    }
    k0 += 0x9E3779B9u;
    k1 += 0xBB67AE85u;
  }
  for (int l = 0; l < kLanes; ++l) {
    out.words[0][l] = c0[l];
    out.words[1][l] = c1[l];
    out.words[2][l] = c2[l];
    out.words[3][l] = c3[l];
  }
}

// kernels/draws.h: open_uniform.
inline float open_uniform(uint32_t word) { return (static_cast<float>(word >> 8) + 0.5f) * 0x1p-24f; }

}  // namespace
