#include "data/pipeline/dedup/minhash_signature.h"

#include <gtest/gtest.h>
#include <xxhash.h>

#include <cstdio>
#include <random>
#include <set>

#include "base/json.h"

namespace phidias::data::pipeline {
namespace {

const Json& goldens() {
  static const Json json = read_json(std::string(PHIDIAS_SOURCE_DIR) + "/tests/golden/dedup/cases.json");
  return json;
}

std::vector<std::uint64_t> signature(const std::string& text, const Permutations& permutations, std::size_t words) {
  static const TextNormaliser normaliser;
  NormalisedText normalised;
  std::vector<std::uint64_t> shingles, minima;
  normaliser.normalise(text, normalised);
  hash_shingles(normalised, words, shingles);
  if (!shingles.empty()) minhash_minima(permutations, shingles, minima);
  return minima;
}

std::string packed_hash(const std::vector<std::uint64_t>& values) {
  if (values.empty()) return "";
  char text[17];
  std::snprintf(text, sizeof text, "%016llx", static_cast<unsigned long long>(XXH64(values.data(), values.size() * 8, 0)));
  return text;
}

TEST(Permutations, AreNumpysDraws) {
  const Permutations permutations(112, 1);
  for (std::size_t i = 0; i < 4; ++i) {
    EXPECT_EQ(std::to_string(permutations.a[i]), goldens()["parameters"]["a"][i].get<std::string>());
    EXPECT_EQ(std::to_string(permutations.b[i]), goldens()["parameters"]["b"][i].get<std::string>());
  }
}

TEST(MinhashSignature, EqualsDatatroveBitForBit) {
  const Permutations fineweb(14 * 8, 1), other(5 * 3, 7);
  int with_signature = 0;
  for (const Json& golden : goldens()["cases"]) {
    const std::string text = golden["text"];
    EXPECT_EQ(packed_hash(signature(text, fineweb, 5)), golden["fineweb"].get<std::string>()) << text;
    EXPECT_EQ(packed_hash(signature(text, other, 3)), golden["other"].get<std::string>()) << text;
    with_signature += !golden["fineweb"].get<std::string>().empty();
    if (!golden.contains("fineweb_values")) continue;
    const std::vector<std::uint64_t> values = signature(text, fineweb, 5);
    for (std::size_t i = 0; i < values.size(); ++i) EXPECT_EQ(std::to_string(values[i]), golden["fineweb_values"][i].get<std::string>());
  }
  EXPECT_GE(with_signature, 100);
}

TEST(MinhashSignature, IsTheSameAtEveryVectorLevel) {
  std::mt19937_64 generator(3);
  for (const std::size_t count : {1u, 7u, 8u, 31u, 32u, 100u, 112u}) {
    const Permutations permutations(count, 1);
    for (const std::size_t shingles : {1u, 2u, 63u, 500u}) {
      std::vector<std::uint64_t> values(shingles);
      for (std::uint64_t& value : values) value = generator();
      std::vector<std::uint64_t> expected(count, ~std::uint64_t{0}), minima;
      for (std::size_t i = 0; i < count; ++i)  // the definition
        for (const std::uint64_t value : values)
          expected[i] = std::min(expected[i], (permutations.a[i] * value + permutations.b[i]) % ((std::uint64_t{1} << 61) - 1));
      for (int level = 0; level <= static_cast<int>(vector_level()); ++level) {
        minhash_minima(permutations, values, minima, static_cast<VectorLevel>(level));
        EXPECT_EQ(minima, expected) << "level " << level << ", " << count << " permutations, " << shingles << " shingles";
      }
    }
  }
}

// The share of equal minima estimates the Jaccard similarity: with 1000 permutations its standard deviation is at most 0.016; four of them are allowed.
TEST(MinhashSignature, EstimatesJaccard) {
  std::mt19937_64 generator(4);
  std::vector<std::uint64_t> a(400), b;
  for (std::uint64_t& value : a) value = generator();
  b.assign(a.begin(), a.begin() + 300);
  for (int i = 0; i < 100; ++i) b.push_back(generator());
  const Permutations permutations(1000, 1);
  std::vector<std::uint64_t> first, second;
  minhash_minima(permutations, a, first);
  minhash_minima(permutations, b, second);
  int equal = 0;
  for (std::size_t i = 0; i < 1000; ++i) equal += first[i] == second[i];
  EXPECT_NEAR(equal / 1000.0, 300.0 / 500.0, 0.064);
}

TEST(MinhashSignature, BandKeysDependOnTheBandAndItsRowsAlone) {
  const std::vector<std::uint64_t> minima{1, 2, 1, 2, 5, 6};
  std::vector<std::uint64_t> keys, again;
  append_band_keys(minima, 2, 0, keys);
  ASSERT_EQ(keys.size(), 3u);
  EXPECT_EQ(std::set<std::uint64_t>(keys.begin(), keys.end()).size(), 3u);  // equal rows in different bands do not meet
  append_band_keys(std::vector<std::uint64_t>{9, 9, 1, 2, 9, 9}, 2, 0, again);
  EXPECT_EQ(again[1], keys[1]);
  EXPECT_NE(again[0], keys[0]);
}

TEST(MinhashSignature, MatchProbabilityIsThePublishedCurve) {  // specs: 14 x 8 at 0.70, 0.75, 0.80, 0.85 -> 56, 77, 92, 98.8 %
  EXPECT_NEAR(match_probability(0.70, 14, 8), 0.56, 0.005);
  EXPECT_NEAR(match_probability(0.75, 14, 8), 0.77, 0.005);
  EXPECT_NEAR(match_probability(0.80, 14, 8), 0.924, 0.0005);
  EXPECT_NEAR(match_probability(0.85, 14, 8), 0.988, 0.0005);
  EXPECT_GT(match_probability(0.80, 20, 5), 0.999);
}

}  // namespace
}  // namespace phidias::data::pipeline
