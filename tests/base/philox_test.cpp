#include "base/philox.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <cmath>
#include <set>
#include <vector>

namespace phidias {
namespace {

// Random123, tests/kat_vectors, philox4x32 with 10 rounds.
TEST(Philox, GivesTheKnownAnswersOfItsAuthors) {
  EXPECT_EQ(philox4x32_10({0, 0, 0, 0}, {0, 0}), (PhiloxBlock{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}));
  EXPECT_EQ(philox4x32_10({~0u, ~0u, ~0u, ~0u}, {~0u, ~0u}), (PhiloxBlock{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}));
  EXPECT_EQ(philox4x32_10({0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, {0xa4093822, 0x299f31d0}),
            (PhiloxBlock{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}));
}

TEST(Philox, KeysDifferInEveryNumberTheyAreMadeOf) {
  std::set<std::vector<std::uint32_t>> seen;
  const auto add = [&](const PhiloxKey& key) { return seen.insert({key.k0, key.k1, key.c2, key.c3}).second; };
  EXPECT_TRUE(add(philox_key(0, RandomSite::shuffle)));
  EXPECT_TRUE(add(philox_key(1, RandomSite::shuffle)));
  EXPECT_TRUE(add(philox_key(std::uint64_t{1} << 32, RandomSite::shuffle)));
  EXPECT_TRUE(add(philox_key(0, RandomSite::dropout)));
  for (std::uint64_t number = 1; number < 1000; ++number) {
    EXPECT_TRUE(add(philox_key(0, RandomSite::shuffle, number)));
    EXPECT_TRUE(add(philox_key(0, RandomSite::shuffle, 0, number)));
    EXPECT_TRUE(add(philox_key(0, RandomSite::shuffle, 0, 0, number)));
  }
}

TEST(Philox, DrawsOfAnIndexUseAllOfItsBits) {
  const PhiloxKey key = philox_key(3, RandomSite::weight_init, 5);
  EXPECT_NE(philox_uint32(key, 1), philox_uint32(key, 2));
  EXPECT_NE(philox_uint32(key, 1), philox_uint32(key, 1 + (std::uint64_t{1} << 32)));
  EXPECT_EQ(philox_block(key, 9), philox4x32_10({9, 0, key.c2, key.c3}, {key.k0, key.k1}));
}

TEST(Philox, UniformsLieInTheHalfOpenUnitIntervalWithTheRightMean) {
  const PhiloxKey key = philox_key(1, RandomSite::dropout);
  constexpr int kDraws = 200000;
  double sum = 0, sum_double = 0;
  for (int i = 0; i < kDraws; ++i) {
    const float x = philox_uniform(key, static_cast<std::uint64_t>(i));
    const double y = philox_uniform_double(key, static_cast<std::uint64_t>(i));
    ASSERT_TRUE(x >= 0.0f && x < 1.0f && y >= 0.0 && y < 1.0);
    sum += x;
    sum_double += y;
  }
  // The mean of n uniforms has deviation sqrt(1 / 12 n) = 6.5e-4; five of them.
  EXPECT_NEAR(sum / kDraws, 0.5, 5 * std::sqrt(1.0 / 12 / kDraws));
  EXPECT_NEAR(sum_double / kDraws, 0.5, 5 * std::sqrt(1.0 / 12 / kDraws));
}

TEST(Philox, NormalsHaveTheMomentsOfTheStandardNormal) {
  const PhiloxKey key = philox_key(2, RandomSite::weight_init);
  constexpr int kDraws = 200000;
  double first = 0, second = 0, fourth = 0;
  for (int i = 0; i < kDraws; ++i) {
    const double x = philox_normal(key, static_cast<std::uint64_t>(i));
    ASSERT_TRUE(std::isfinite(x));
    first += x;
    second += x * x;
    fourth += x * x * x * x;
  }
  // Variances of x, x^2 and x^4 are 1, 2 and 96; five deviations of the mean.
  EXPECT_NEAR(first / kDraws, 0.0, 5 * std::sqrt(1.0 / kDraws));
  EXPECT_NEAR(second / kDraws, 1.0, 5 * std::sqrt(2.0 / kDraws));
  EXPECT_NEAR(fourth / kDraws, 3.0, 5 * std::sqrt(96.0 / kDraws));
}

TEST(Permutation, VisitsEveryNumberOnceForEverySizeAndKey) {
  EXPECT_TRUE(rc::check([](std::uint64_t seed) {
    const auto n = *rc::gen::inRange<std::uint64_t>(1, 3000);
    const PhiloxKey key = philox_key(seed, RandomSite::shuffle);
    std::vector<bool> seen(n, false);
    for (std::uint64_t i = 0; i < n; ++i) {
      const std::uint64_t image = philox_permute(key, n, i);
      RC_ASSERT(image < n);
      RC_ASSERT(!seen[image]);
      seen[image] = true;
    }
  }));
}

TEST(Permutation, StaysInRangeAndInjectiveForHugeSizes) {
  EXPECT_TRUE(rc::check([](std::uint64_t seed, std::uint64_t size, std::uint64_t a, std::uint64_t b) {
    const std::uint64_t n = size | (std::uint64_t{1} << 63);
    const PhiloxKey key = philox_key(seed, RandomSite::shuffle);
    const std::uint64_t x = philox_permute(key, n, a % n), y = philox_permute(key, n, b % n);
    RC_ASSERT(x < n && y < n);
    RC_ASSERT((a % n == b % n) == (x == y));
  }));
}

TEST(Permutation, PutsEveryNumberEverywhereEquallyOften) {
  // Where the first and the last number go, over 60000 keys. Counts are binomial with p = 1/n; five deviations.
  constexpr int kKeys = 60000;
  for (const int size : {2, 3, 5, 16, 17, 300}) {
    std::vector<int> first(static_cast<std::size_t>(size)), last(first.size());
    for (int k = 0; k < kKeys; ++k) {
      const PhiloxKey key = philox_key(static_cast<std::uint64_t>(k), RandomSite::shuffle);
      ++first[philox_permute(key, static_cast<std::uint64_t>(size), 0)];
      ++last[philox_permute(key, static_cast<std::uint64_t>(size), static_cast<std::uint64_t>(size) - 1)];
    }
    const double share = 1.0 / size, deviation = std::sqrt(kKeys * share * (1 - share));
    for (std::size_t i = 0; i < first.size(); ++i) {
      EXPECT_NEAR(first[i], kKeys * share, 5 * deviation) << size;
      EXPECT_NEAR(last[i], kKeys * share, 5 * deviation) << size;
    }
  }
}

// The format of runs: these values may never change, or resumed runs would see other data.
TEST(Philox, ValuesAreFrozen) {
  const PhiloxKey key = philox_key(42, RandomSite::shuffle, 1, 2, 3);
  std::vector<std::uint64_t> order;
  for (std::uint64_t i = 0; i < 10; ++i) order.push_back(philox_permute(key, 10, i));
  EXPECT_EQ(philox_uint64(key, 7), 13704925025745963025ull);
  EXPECT_EQ(order, (std::vector<std::uint64_t>{7, 5, 1, 2, 3, 6, 8, 4, 0, 9}));
}

}  // namespace
}  // namespace phidias
