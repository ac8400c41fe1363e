#include "base/philox.h"

#include <bit>
#include <cmath>

namespace phidias {
namespace {

// Multipliers and Weyl increments of Philox-4x32 (Salmon et al., section 4.3 and its reference code).
constexpr std::uint32_t kMultiplier0 = 0xD2511F53, kMultiplier1 = 0xCD9E8D57;
constexpr std::uint32_t kWeyl0 = 0x9E3779B9, kWeyl1 = 0xBB67AE85;

// Rounds of the permutation network. Luby and Rackoff's four are enough for large halves; a half of few bits has few round functions, and
// the bias of six rounds shows (8 % at five elements), so small ones take more.
constexpr std::uint32_t kFeistelRounds = 6, kSmallFeistelRounds = 24;
constexpr unsigned kSmallHalfBits = 8;
constexpr double kTwoPi = 6.283185307179586476925286766559;

std::uint32_t low_word(std::uint64_t value) { return static_cast<std::uint32_t>(value); }
std::uint32_t high_word(std::uint64_t value) { return static_cast<std::uint32_t>(value >> 32); }

// One pass over [0, 4^half_bits). The counters of its draws are those of indices above 2^32: a key that permutes should not draw as well.
std::uint64_t feistel(const PhiloxKey& key, unsigned half_bits, std::uint64_t value) {
  const std::uint64_t mask = (std::uint64_t{1} << half_bits) - 1;
  const std::uint32_t rounds = half_bits < kSmallHalfBits ? kSmallFeistelRounds : kFeistelRounds;
  std::uint64_t left = value >> half_bits, right = value & mask;
  for (std::uint32_t round = 0; round < rounds; ++round) {
    const PhiloxBlock noise = philox4x32_10({low_word(right), round + 1, key.c2, key.c3}, {key.k0, key.k1});
    const std::uint64_t next = left ^ (noise[0] & mask);
    left = right;
    right = next;
  }
  return left << half_bits | right;
}

}  // namespace

PhiloxBlock philox4x32_10(PhiloxBlock counter, std::array<std::uint32_t, 2> key) {
  for (int round = 0; round < 10; ++round) {
    const std::uint64_t product0 = std::uint64_t{kMultiplier0} * counter[0];
    const std::uint64_t product1 = std::uint64_t{kMultiplier1} * counter[2];
    counter = {high_word(product1) ^ counter[1] ^ key[0], low_word(product1), high_word(product0) ^ counter[3] ^ key[1], low_word(product0)};
    key[0] += kWeyl0;
    key[1] += kWeyl1;
  }
  return counter;
}

// A chain of Philox calls: each absorbs one number into the 128-bit state left by those before it.
PhiloxKey philox_key(std::uint64_t seed, RandomSite site, std::uint64_t a, std::uint64_t b, std::uint64_t c) {
  PhiloxBlock state = philox4x32_10({static_cast<std::uint32_t>(site), 0, 0, 0}, {low_word(seed), high_word(seed)});
  for (const std::uint64_t number : {a, b, c}) state = philox4x32_10(state, {low_word(number), high_word(number)});
  return {state[0], state[1], state[2], state[3]};
}

PhiloxBlock philox_block(const PhiloxKey& key, std::uint64_t index) {
  return philox4x32_10({low_word(index), high_word(index), key.c2, key.c3}, {key.k0, key.k1});
}

std::uint32_t philox_uint32(const PhiloxKey& key, std::uint64_t index) { return philox_block(key, index)[0]; }

std::uint64_t philox_uint64(const PhiloxKey& key, std::uint64_t index) {
  const PhiloxBlock block = philox_block(key, index);
  return std::uint64_t{block[1]} << 32 | block[0];
}

float philox_uniform(const PhiloxKey& key, std::uint64_t index) { return static_cast<float>(philox_uint32(key, index) >> 8) * 0x1p-24f; }

double philox_uniform_double(const PhiloxKey& key, std::uint64_t index) { return static_cast<double>(philox_uint64(key, index) >> 11) * 0x1p-53; }

float philox_normal(const PhiloxKey& key, std::uint64_t index) {
  const PhiloxBlock block = philox_block(key, index);
  const std::uint64_t first = std::uint64_t{block[1]} << 32 | block[0], second = std::uint64_t{block[3]} << 32 | block[2];
  const double radius_uniform = (static_cast<double>(first >> 11) + 1.0) * 0x1p-53;  // (0, 1]: its logarithm is finite
  const double angle_uniform = static_cast<double>(second >> 11) * 0x1p-53;
  return static_cast<float>(std::sqrt(-2.0 * std::log(radius_uniform)) * std::cos(kTwoPi * angle_uniform));
}

std::uint64_t philox_permute(const PhiloxKey& key, std::uint64_t n, std::uint64_t i) {
  if (n <= 1) return 0;
  // The smallest even number of bits that holds n - 1: at most four walks on average.
  const unsigned half_bits = (static_cast<unsigned>(std::bit_width(n - 1)) + 1) / 2;
  std::uint64_t value = i;
  do value = feistel(key, half_bits, value);
  while (value >= n);
  return value;
}

}  // namespace phidias
