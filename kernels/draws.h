// Random draws of a model (dropout, jitter, expert sampling): pure functions of (token, site, index), the same on every layout, thread count and device.
//
// A token's key mixes (seed, step, record id, position); a site names the layer and what the draw is for. The draw `index` of a token at a site is
// Philox-4x32-10 with key = (low, high) of the token's key and counter = (index, 0, site low, site high), so that CPU and CUDA kernels agree bit for bit.
#pragma once

#include <cstdint>

#include "base/philox.h"

namespace phidias::kernels {

// Where a draw happens. `layer`: block number; `slot` tells several sites of a layer apart (choice 0 and 1 of the router, adapters).
constexpr std::uint64_t draw_site(RandomSite site, std::uint64_t layer, std::uint64_t slot = 0) {
  return static_cast<std::uint64_t>(site) << 48 | layer << 24 | slot;
}

std::uint64_t draw_key(std::uint64_t seed, std::int64_t step, std::uint64_t record_id, std::int64_t position);

// Four words: element 4 * index .. 4 * index + 3 of what is drawn for this token here.
PhiloxBlock draw_block(std::uint64_t token_key, std::uint64_t site, std::uint32_t index);

// (0, 1): never 0, so that its logarithm is finite.
constexpr float open_uniform(std::uint32_t word) { return (static_cast<float>(word >> 8) + 0.5F) * 0x1p-24F; }

}  // namespace phidias::kernels
