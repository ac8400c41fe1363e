#include "data/synthetic/near_duplicates.h"

#include <gtest/gtest.h>

#include "base/philox.h"

namespace phidias::data {
namespace {

TEST(NearDuplicates, WordsAreLettersAndDigitsInLowerCase) {
  EXPECT_EQ(plain_words("The Élan-vital, 3.5 snake_case: ÜBER"), (std::vector<std::string>{"the", "élan", "vital", "3", "5", "snake_case", "über"}));
  EXPECT_TRUE(plain_words(" ... ").empty());
}

TEST(NearDuplicates, SimilarityIsJaccards) {
  const auto set = [](const std::string& text) { return shingles(plain_words(text), 2); };
  EXPECT_DOUBLE_EQ(jaccard(set("a b c d"), set("a b c d")), 1.0);
  EXPECT_DOUBLE_EQ(jaccard(set("a b c d"), set("a b c x")), 2.0 / 4);
  EXPECT_DOUBLE_EQ(jaccard(set("a"), set("a b")), 0.0);
  EXPECT_EQ(shingles({}, 2).size(), 0U);
}

// The prefix filter leaves none out: the first similar text is the one that a comparison with all finds.
TEST(NearDuplicates, AreThoseOfAComparisonWithAll) {
  for (const double threshold : {0.4, 0.6, 0.8, 1.0}) {
    NearDuplicates seen(threshold, 3);
    std::vector<std::vector<std::uint64_t>> all;
    std::vector<std::string> texts;
    int found = 0;
    for (std::uint64_t i = 0; i < 400; ++i) {
      const PhiloxKey key = philox_key(9, RandomSite::shuffle, i);
      std::string text;
      if (i % 2 == 1) {  // an edit of an earlier text
        text = texts[philox_uint32(key, 1000) % texts.size()];
        for (std::uint64_t k = philox_uint32(key, 1001) % 4; k > 0; --k) text += " w" + std::to_string(philox_uint32(key, 1001 + k) % 40);
      } else {
        for (std::uint64_t k = 0; k < 3 + philox_uint32(key, 0) % 30; ++k) text += (k > 0 ? " w" : "w") + std::to_string(philox_uint32(key, k + 1) % 40);
      }
      const std::vector<std::uint64_t> own = shingles(plain_words(text), 3);
      std::optional<std::int64_t> expected;
      for (std::size_t k = 0; k < all.size() && !expected; ++k)
        if (jaccard(own, all[k]) >= threshold) expected = static_cast<std::int64_t>(k);
      EXPECT_EQ(seen.find(text), expected) << threshold << " " << text;
      found += expected.has_value();
      seen.add(text, static_cast<std::int64_t>(i));
      all.push_back(own);
      texts.push_back(text);
    }
    EXPECT_GT(found, 40);
    EXPECT_LT(found, 300);
  }
}

}  // namespace
}  // namespace phidias::data
