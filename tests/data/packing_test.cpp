#include "data/packing.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <map>
#include <numeric>

namespace phidias::data {
namespace {

std::int64_t tokens_of(const Bin& bin, const std::vector<std::int64_t>& lengths) {
  return std::accumulate(bin.begin(), bin.end(), std::int64_t{0}, [&](std::int64_t sum, std::int32_t i) { return sum + lengths[static_cast<std::size_t>(i)]; });
}

std::vector<std::int64_t> draw_lengths(std::int64_t most) {
  return *rc::gen::nonEmpty(rc::gen::container<std::vector<std::int64_t>>(rc::gen::inRange<std::int64_t>(1, most + 1)));
}

void check_plan(const std::vector<std::vector<Bin>>& plan, const std::vector<std::int64_t>& lengths, const PackingLimits& limits) {
  std::vector<int> seen(lengths.size(), 0);
  for (const std::vector<Bin>& rank : plan) {
    RC_ASSERT(rank.size() == plan.front().size());
    bool ended = false;
    for (const Bin& bin : rank) {
      RC_ASSERT(!(ended && !bin.empty()));  // empty ones stand at the end
      ended |= bin.empty();
      RC_ASSERT(tokens_of(bin, lengths) <= limits.micro_tokens);
      RC_ASSERT(limits.micro_documents == 0 || static_cast<std::int64_t>(bin.size()) <= limits.micro_documents);
      RC_ASSERT(limits.packing || bin.size() <= 1U);
      RC_ASSERT(std::is_sorted(bin.begin(), bin.end()));
      for (const std::int32_t i : bin) ++seen[static_cast<std::size_t>(i)];
    }
  }
  RC_ASSERT(std::all_of(seen.begin(), seen.end(), [](int count) { return count == 1; }));
}

RC_GTEST_PROP(Packing, EveryRecordStandsInExactlyOneBinWithinTheLimits, ()) {
  const std::vector<std::int64_t> lengths = draw_lengths(100);
  const PackingLimits limits{*rc::gen::inRange<std::int64_t>(100, 400), *rc::gen::inRange<std::int64_t>(0, 6), *rc::gen::arbitrary<bool>()};
  const int ranks = *rc::gen::inRange(1, 9);
  check_plan(plan_step(lengths, limits, ranks), lengths, limits);
}

RC_GTEST_PROP(Packing, RanksGetNoMoreBinsThanBestFitNeeds, ()) {
  const std::vector<std::int64_t> lengths = draw_lengths(100);
  const PackingLimits limits{*rc::gen::inRange<std::int64_t>(100, 400), 0, true};
  const int ranks = *rc::gen::inRange(1, 9);
  const std::size_t bins = pack_best_fit(lengths, limits).size();
  RC_ASSERT(plan_step(lengths, limits, ranks).front().size() == (bins + static_cast<std::size_t>(ranks) - 1) / static_cast<std::size_t>(ranks));
}

// Best fit leaves no two bins that would fit into one: otherwise the later one's first document would have found room. That bounds the bins by twice the ideal.
RC_GTEST_PROP(Packing, BestFitIsNeverTwiceTheIdeal, ()) {
  const std::vector<std::int64_t> lengths = draw_lengths(100);
  const std::vector<Bin> bins = pack_best_fit(lengths, {100, 0, true});
  const std::int64_t total = std::accumulate(lengths.begin(), lengths.end(), std::int64_t{0});
  RC_ASSERT(static_cast<std::int64_t>(bins.size()) <= 2 * ((total + 99) / 100));
  std::vector<std::int64_t> loads;
  for (const Bin& bin : bins) loads.push_back(tokens_of(bin, lengths));
  std::sort(loads.begin(), loads.end());
  if (loads.size() > 1) RC_ASSERT(loads[0] + loads[1] > 100);
}

TEST(Packing, FillsTheFullestBinThatHasRoom) {
  const std::vector<std::int64_t> lengths = {30, 60, 70, 40};
  const std::vector<Bin> expected = {{0, 2}, {1, 3}};
  EXPECT_EQ(pack_best_fit(lengths, {100, 0, true}), expected);
}

TEST(Packing, FewDocumentsAreSpreadOverTheRanks) {
  // 32 documents of 50 to 81 tokens would fit into one bin; two ranks share them nonetheless, within one document of each other.
  std::vector<std::int64_t> lengths(32);
  std::iota(lengths.begin(), lengths.end(), 50);
  const auto plan = plan_step(lengths, {8192, 0, true}, 2);
  ASSERT_EQ(plan[0].size(), 1U);
  EXPECT_LE(std::abs(tokens_of(plan[0][0], lengths) - tokens_of(plan[1][0], lengths)), 81);
}

TEST(Packing, MissingBinsAreEmpty) {
  const auto plan = plan_step(std::vector<std::int64_t>{10}, {100, 0, true}, 3);
  ASSERT_EQ(plan.size(), 3U);
  int documents = 0;
  for (const auto& rank : plan) {
    ASSERT_EQ(rank.size(), 1U);
    documents += static_cast<int>(rank[0].size());
  }
  EXPECT_EQ(documents, 1);
}

TEST(Packing, DocumentLongerThanTheBinStandsAlone) {
  const std::vector<Bin> expected = {{0}, {1, 2}};
  EXPECT_EQ(pack_best_fit(std::vector<std::int64_t>{150, 20, 30}, {100, 0, true}), expected);
}

}  // namespace
}  // namespace phidias::data
