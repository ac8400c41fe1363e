#include "data/pipeline/text/sample.h"

#include <gtest/gtest.h>

#include "base/error.h"
#include "tests/data/pipeline/text/stage_run.h"

namespace phidias::data::pipeline {
namespace {

std::vector<bool> kept(const Sample::Config& config, std::uint64_t seed, int documents) {
  const Sample stage(config, setup_named("sample", seed));
  std::vector<bool> result;
  for (int i = 0; i < documents; ++i) {
    Document document = document_of("the same text", "web/" + std::to_string(i));
    run(stage, document);
    result.push_back(!document.dropped());
  }
  return result;
}

TEST(Sample, KeepsAboutTheFraction) {
  const std::vector<bool> result = kept({.fraction = 0.3}, 1, 20000);
  // Binomial: standard deviation sqrt(20000 * 0.3 * 0.7) = 65; five of them.
  EXPECT_NEAR(std::count(result.begin(), result.end(), true), 6000, 325);
  EXPECT_EQ(kept({.fraction = 1}, 1, 100), std::vector<bool>(100, true));
  EXPECT_EQ(kept({.fraction = 0}, 1, 100), std::vector<bool>(100, false));
}

TEST(Sample, SmallerFractionsAreParts_OffsetsAreDisjointAndSeedsDiffer) {
  const int n = 5000;
  const std::vector<bool> tenth = kept({.fraction = 0.1}, 1, n), fifth = kept({.fraction = 0.2}, 1, n), rest = kept({.fraction = 0.8, .offset = 0.2}, 1, n);
  const std::vector<bool> other_seed = kept({.fraction = 0.1}, 2, n), own_seed = kept({.fraction = 0.1, .seed = 1}, 2, n);
  for (std::size_t i = 0; i < n; ++i) {
    EXPECT_TRUE(!tenth[i] || fifth[i]);
    EXPECT_NE(fifth[i], rest[i]);
  }
  EXPECT_NE(tenth, other_seed);
  EXPECT_EQ(tenth, own_seed);
}

TEST(Sample, KeepsOrDropsEqualKeysTogether) {
  const std::vector<bool> by_text = kept({.fraction = 0.5, .by = SampleKey::text}, 1, 50);
  EXPECT_TRUE(by_text == std::vector<bool>(50, true) || by_text == std::vector<bool>(50, false));
}

TEST(Sample, PlacesAreThoseOfEarlierRuns) {
  // Part of the format of outputs: a change of the hash would mix samples of different versions.
  EXPECT_EQ(sample_place(0, "a"), sample_place(0, "a"));
  EXPECT_NEAR(sample_place(7, "web/1"), 0.6848763396179618, 1e-15);
}

TEST(Sample, RefusesARangeBeyondOne) { EXPECT_THROW(Sample({.fraction = 0.5, .offset = 0.6}, setup_named("sample")), ConfigError); }

}  // namespace
}  // namespace phidias::data::pipeline
