#include "data/pipeline/decontaminate/ngram_index.h"

#include <gtest/gtest.h>

#include <map>
#include <set>

#include "base/philox.h"

namespace phidias::data::pipeline {
namespace {

NormalWords words_from(const std::vector<std::string>& list) {
  NormalWords words;
  for (const std::string& word : list) words.add(word, {});
  words.finish();
  return words;
}

// Words of an alphabet so small that n-grams come again.
std::vector<std::string> draw_words(std::uint64_t stream, std::size_t count) {
  const PhiloxKey key = philox_key(3, RandomSite::shuffle, stream);
  std::vector<std::string> words;
  for (std::size_t i = 0; i < count; ++i) words.push_back(std::string(1 + philox_uint32(key, i) % 2, static_cast<char>('a' + philox_uint32(key, i) / 7 % 3)));
  return words;
}

TEST(NgramIndex, FindsWhatAComparisonOfWordsFinds) {
  NgramIndex index;
  std::map<std::string, std::set<std::uint32_t>> expected;
  for (std::uint32_t item = 0; item < 20; ++item) {
    const NormalWords words = words_from(draw_words(item, 5 + item));
    const std::size_t length = item % 4 == 0 ? 3 : 5;
    ASSERT_EQ(index.add_item(words), item);
    for (std::size_t i = 0; i + length <= words.size(); ++i) {
      index.add(item, i, length);
      expected[std::string(words.span(i, length))].insert(item);
    }
  }
  index.finish();
  EXPECT_EQ(index.grams(), expected.size());
  EXPECT_EQ(index.lengths(), (std::vector<std::uint32_t>{3, 5}));
  std::size_t found = 0, missed = 0;
  WordKeys keys;
  for (std::uint64_t stream = 100; stream < 130; ++stream) {
    const NormalWords words = words_from(draw_words(stream, 40));
    keys.assign(words);
    for (std::size_t length = 1; length <= 6; ++length) {
      for (std::size_t i = 0; i + length <= words.size(); ++i) {
        const std::int64_t gram = index.find(words, keys, i, length);
        const auto known = expected.find(std::string(words.span(i, length)));
        ASSERT_EQ(gram >= 0, known != expected.end()) << words.span(i, length);
        ++(gram >= 0 ? found : missed);
        if (gram < 0) continue;
        const auto items = index.items(gram);
        EXPECT_EQ(std::set<std::uint32_t>(items.begin(), items.end()), known->second);
        for (const std::uint32_t item : items) EXPECT_EQ(index.item_words(item).span(index.position(gram, item), length), words.span(i, length));
      }
    }
  }
  EXPECT_GT(found, 20U);
  EXPECT_GT(missed, 1000U);
}

TEST(NgramIndex, EmptyIndexFindsNothing) {
  NgramIndex index;
  index.finish();
  const NormalWords words = words_from({"a", "b"});
  WordKeys keys;
  keys.assign(words);
  EXPECT_EQ(index.find(words, keys, 0, 2), -1);
  EXPECT_EQ(index.grams(), 0U);
}

TEST(WordKeys, DependOnTheWordsAloneAndNotOnTheirPlace) {
  WordKeys keys;
  keys.assign(words_from({"a", "b", "c", "a", "b", "c", "b", "a"}));
  EXPECT_EQ(keys.key(0, 3), keys.key(3, 3));
  EXPECT_NE(keys.key(0, 2), keys.key(6, 2));
  EXPECT_NE(keys.key(0, 2), keys.key(0, 3));
}

}  // namespace
}  // namespace phidias::data::pipeline
