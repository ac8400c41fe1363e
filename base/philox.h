// Counter-based random numbers: the same bits on every platform, layout and thread count.
//
// Philox-4x32-10 (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC 2011). Every random draw of the program is a pure
// function of a key, so that ranks, recomputation and resumption agree: there is no generator state to save.
//
//   PhiloxKey key = philox_key(seed, RandomSite::weight_init, hash_of_name);
//   float x = philox_normal(key, index);
#pragma once

#include <array>
#include <cstdint>

namespace phidias {

using PhiloxBlock = std::array<std::uint32_t, 4>;

struct PhiloxKey {
  std::uint32_t k0 = 0, k1 = 0;  // the Philox key
  std::uint32_t c2 = 0, c3 = 0;  // the upper half of the counter; the lower half is the draw's index
};

// What a draw is for. Values are part of the format of runs: never renumber.
enum class RandomSite : std::uint32_t { weight_init = 1, shuffle = 2, token_sampling = 3, dropout = 4, jitter = 5, expert_sampling = 6, task_generator = 7 };

// The ten-round function itself, as in the paper's known-answer tests.
PhiloxBlock philox4x32_10(PhiloxBlock counter, std::array<std::uint32_t, 2> key);

// A key for one use: mixes seed, site and up to three numbers (step, record id, position, name hash ...) without collisions that matter.
PhiloxKey philox_key(std::uint64_t seed, RandomSite site, std::uint64_t a = 0, std::uint64_t b = 0, std::uint64_t c = 0);

PhiloxBlock philox_block(const PhiloxKey& key, std::uint64_t index);
std::uint32_t philox_uint32(const PhiloxKey& key, std::uint64_t index);
std::uint64_t philox_uint64(const PhiloxKey& key, std::uint64_t index);
// Uniform in [0, 1) with 24 (float) or 53 (double) bits.
float philox_uniform(const PhiloxKey& key, std::uint64_t index);
double philox_uniform_double(const PhiloxKey& key, std::uint64_t index);
// Standard normal, Box-Muller in double from block `index`.
float philox_normal(const PhiloxKey& key, std::uint64_t index);

// A permutation of [0, n) by a keyed Feistel network with cycle walking: permute(key, n, i) needs no table. n >= 1, i < n.
std::uint64_t philox_permute(const PhiloxKey& key, std::uint64_t n, std::uint64_t i);

}  // namespace phidias
