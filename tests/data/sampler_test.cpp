#include "data/sampler.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <map>
#include <set>

#include "base/error.h"
#include "data/prefetch.h"
#include "data/single_pass.h"
#include "data/token_store.h"

namespace phidias::data {
namespace {

// Document i: lengths[i] tokens with ids 1000 i + position, all trained.
std::shared_ptr<const TokenStore> make_store(const std::vector<std::int64_t>& lengths, const std::string& name = "a.jsonl") {
  TokenBlock block;
  for (std::size_t i = 0; i < lengths.size(); ++i) {
    std::vector<std::int32_t> ids;
    for (std::int64_t t = 0; t < lengths[i]; ++t) ids.push_back(static_cast<std::int32_t>(1000 * i) + static_cast<std::int32_t>(t));
    block.add(ids, std::vector<std::uint8_t>(ids.size(), 1), {}, static_cast<std::int64_t>(i) + 1, 0);
  }
  const std::vector<TokenBlockView> blocks = {block.view()};
  return TokenStore::in_memory(blocks, {.source = name, .kind = "tokens", .key = {}, .first_skipped = {}, .counters = {}});
}

std::vector<std::int64_t> some_lengths(std::int64_t count) {
  std::vector<std::int64_t> lengths;
  for (std::int64_t i = 0; i < count; ++i) lengths.push_back(2 + i * 7 % 23);
  return lengths;
}

SamplerOptions options(std::int64_t documents, std::int64_t tokens = 0) {
  SamplerOptions result;
  result.batch.documents = documents;
  result.batch.tokens = tokens;
  result.batch.micro_tokens = 64;
  result.seed = 3;
  return result;
}

std::vector<std::uint64_t> records_of(const GlobalBatch& batch) {
  std::vector<std::uint64_t> records;
  for (const MicroBatch& micro : batch.micro_batches) {
    for (const Segment& segment : micro.segments) records.push_back(segment.record_id);
  }
  std::sort(records.begin(), records.end());
  return records;
}

// What a step means for the loss: for each document its tokens, positions and targets.
using Content = std::multiset<std::vector<std::int32_t>>;

Content content_of(const GlobalBatch& batch) {
  Content content;
  for (const MicroBatch& micro : batch.micro_batches) {
    for (const Segment& segment : micro.segments) {
      std::vector<std::int32_t> document = {static_cast<std::int32_t>(segment.record_id), segment.use_long};
      for (std::int32_t t = segment.begin; t < segment.end; ++t) {
        const auto at = static_cast<std::size_t>(t);
        document.insert(document.end(), {micro.tokens[at], micro.positions[at], micro.targets[at]});
      }
      content.insert(std::move(document));
    }
  }
  return content;
}

TEST(Sampler, MicroBatchIsOnePackedStream) {
  Sampler sampler({{make_store({3, 2}), 1.0}}, [] {
    auto o = options(2);
    o.shuffle = false;
    o.original_max_positions = 2;
    return o;
  }());
  const GlobalBatch batch = sampler.global_batch(0);
  ASSERT_EQ(batch.micro_batches.size(), 1U);
  const MicroBatch& micro = batch.micro_batches[0];
  EXPECT_EQ(micro.tokens, (std::vector<std::int32_t>{0, 1, 2, 1000, 1001}));
  EXPECT_EQ(micro.positions, (std::vector<std::int32_t>{0, 1, 2, 0, 1}));
  EXPECT_EQ(micro.targets, (std::vector<std::int32_t>{1, 2, kIgnoredTarget, 1001, kIgnoredTarget}));
  ASSERT_EQ(micro.segments.size(), 2U);
  EXPECT_EQ(micro.segments[1].begin, 3);
  EXPECT_EQ(micro.segments[1].end, 5);
  EXPECT_TRUE(micro.segments[0].use_long) << "longer than the original context";
  EXPECT_FALSE(micro.segments[1].use_long) << "exactly the original context is short";
  EXPECT_TRUE(micro.is_last);
  EXPECT_EQ(batch.target_tokens, 3);
  EXPECT_EQ(batch.tokens, 5);
  EXPECT_EQ(batch.documents, 2);
}

TEST(Sampler, EpochHoldsEveryRecordOnceAndEpochsDiffer) {
  Sampler sampler({{make_store(some_lengths(40)), 1.0}}, options(10));
  std::vector<std::vector<std::uint64_t>> steps;
  for (std::int64_t step = 0; step < 8; ++step) steps.push_back(records_of(sampler.global_batch(step)));
  for (const std::size_t epoch : {0U, 1U}) {
    std::set<std::uint64_t> seen;
    for (std::size_t s = 4 * epoch; s < 4 * epoch + 4; ++s) seen.insert(steps[s].begin(), steps[s].end());
    EXPECT_EQ(seen.size(), 40U);
  }
  EXPECT_NE(steps[0], steps[4]);
  SamplerOptions other = options(10);
  other.seed = 4;
  EXPECT_NE(records_of(Sampler({{make_store(some_lengths(40)), 1.0}}, other).global_batch(0)), steps[0]);
}

TEST(Sampler, WithoutShuffleTheOrderIsTheFilesOrder) {
  SamplerOptions ordered = options(3);
  ordered.shuffle = false;
  Sampler sampler({{make_store(some_lengths(5)), 1.0}}, ordered);
  EXPECT_EQ(records_of(sampler.global_batch(0)), (std::vector<std::uint64_t>{0, 1, 2}));
  EXPECT_EQ(records_of(sampler.global_batch(1)), (std::vector<std::uint64_t>{0, 3, 4})) << "a step goes on into the next epoch";
}

TEST(Sampler, TokenBatchesTakeRecordsUntilTheLimitWouldBeExceeded) {
  SamplerOptions by_tokens = options(0, 50);
  by_tokens.shuffle = false;
  Sampler sampler({{make_store({20, 20, 20, 50, 64, 10}), 1.0}}, by_tokens);
  EXPECT_EQ(sampler.global_batch(0).documents, 2);
  EXPECT_EQ(sampler.global_batch(1).documents, 1);
  EXPECT_EQ(sampler.global_batch(2).documents, 1);
  EXPECT_EQ(sampler.global_batch(3).documents, 1) << "a record longer than the batch is a step of its own";
  EXPECT_EQ(sampler.global_batch(4).documents, 3) << "exactly the limit";
  EXPECT_EQ(sampler.position_after(4).tokens, 20 + 20 + 20 + 50 + 64 + 10 + 20 + 20);
}

TEST(Sampler, WeightsArePassesPerEpoch) {
  const auto a = make_store(some_lengths(10), "a.jsonl"), b = make_store(some_lengths(8), "b.jsonl"), c = make_store(some_lengths(6), "c.jsonl");
  Sampler sampler({{a, 2.0}, {b, 0.25}, {c, 1.5}}, options(1));
  EXPECT_EQ(sampler.records_in_epoch(0), 20 + 2 + 9);
  std::map<std::uint64_t, int> counts;
  std::int64_t step = 0;
  for (int epoch = 0; epoch < 4; ++epoch) {
    std::map<std::uint64_t, int> in_epoch;
    for (std::int64_t i = 0, n = sampler.records_in_epoch(epoch); i < n; ++i) {
      for (const std::uint64_t record : records_of(sampler.global_batch(step++))) ++counts[record], ++in_epoch[record];
    }
    for (std::uint64_t record = 0; record < 10; ++record) EXPECT_EQ(in_epoch[record], 2) << "epoch " << epoch;
  }
  EXPECT_EQ(sampler.position_after(step - 1).epoch + (sampler.position_after(step - 1).offset > 0 ? 1 : 0), 4);
  for (std::uint64_t record = 10; record < 18; ++record) EXPECT_EQ(counts[record], 1) << "four quarters are one pass";
  for (std::uint64_t record = 18; record < 24; ++record) EXPECT_EQ(counts[record], 6) << "four times one and a half";
  EXPECT_EQ(sampler.describe_record(0), "a.jsonl:1");
  EXPECT_EQ(sampler.describe_record(17), "b.jsonl:8");
  EXPECT_EQ(sampler.describe_record(18), "c.jsonl:1");
}

RC_GTEST_PROP(Sampler, GlobalContentDoesNotDependOnTheRanks, ()) {
  const auto store = make_store(some_lengths(*rc::gen::inRange<std::int64_t>(1, 60)));
  SamplerOptions base = *rc::gen::arbitrary<bool>() ? options(*rc::gen::inRange<std::int64_t>(1, 20)) : options(0, *rc::gen::inRange<std::int64_t>(30, 300));
  base.packing = *rc::gen::arbitrary<bool>();
  base.shuffle = *rc::gen::arbitrary<bool>();
  base.original_max_positions = 12;
  base.batch.micro_documents = *rc::gen::inRange<std::int64_t>(0, 4);
  const std::int64_t step = *rc::gen::inRange<std::int64_t>(0, 12);
  const GlobalBatch single = Sampler({{store, 1.0}}, base).global_batch(step);
  const Content expected = content_of(single);
  for (int ranks = 2; ranks <= 4; ++ranks) {
    Content content;
    std::int64_t targets = 0;
    std::set<std::size_t> counts;
    for (int rank = 0; rank < ranks; ++rank) {
      SamplerOptions of_rank = base;
      of_rank.data_rank = rank;
      of_rank.data_size = ranks;
      const GlobalBatch batch = Sampler({{store, 1.0}}, of_rank).global_batch(step);
      RC_ASSERT(batch.target_tokens == single.target_tokens && batch.tokens == single.tokens && batch.documents == single.documents);
      RC_ASSERT(batch.micro_batches.back().is_last);
      counts.insert(batch.micro_batches.size());
      for (const MicroBatch& micro : batch.micro_batches) targets += micro.target_tokens;
      content.merge(content_of(batch));
    }
    RC_ASSERT(counts.size() == 1U);
    RC_ASSERT(content == expected);
    RC_ASSERT(targets == single.target_tokens);
  }
}

RC_GTEST_PROP(Sampler, AnyStepAndAnyRestartGiveTheSameBatch, ()) {
  const auto store = make_store(some_lengths(*rc::gen::inRange<std::int64_t>(1, 50)));
  const double weight = *rc::gen::element(1.0, 0.3, 2.0, 1.7);
  const SamplerOptions with = *rc::gen::arbitrary<bool>() ? options(*rc::gen::inRange<std::int64_t>(1, 9)) : options(0, 60);
  Sampler in_order({{store, weight}}, with);
  const std::int64_t steps = *rc::gen::inRange<std::int64_t>(1, 200);
  std::vector<GlobalBatch> batches;
  std::vector<DataPosition> positions;
  for (std::int64_t step = 0; step < steps; ++step) {
    batches.push_back(in_order.global_batch(step));
    positions.push_back(in_order.position_after(step));
  }
  const std::int64_t step = *rc::gen::inRange<std::int64_t>(0, steps);
  RC_ASSERT(content_of(Sampler({{store, weight}}, with).global_batch(step)) == content_of(batches[static_cast<std::size_t>(step)]));
  RC_ASSERT(content_of(in_order.global_batch(step)) == content_of(batches[static_cast<std::size_t>(step)]));
  Sampler resumed({{store, weight}}, with);
  if (step > 0) resumed.restore(positions[static_cast<std::size_t>(step) - 1]);
  for (std::int64_t s = step; s < std::min(steps, step + 5); ++s) {
    RC_ASSERT(content_of(resumed.global_batch(s)) == content_of(batches[static_cast<std::size_t>(s)]));
    const DataPosition a = resumed.position_after(s), b = positions[static_cast<std::size_t>(s)];
    RC_ASSERT(a.step == b.step && a.epoch == b.epoch && a.offset == b.offset && a.tokens == b.tokens && a.documents == b.documents);
  }
}

TEST(Sampler, ProgressInEpochsFollowsTheRecords) {
  Sampler sampler({{make_store(some_lengths(40)), 1.0}}, options(10));
  EXPECT_DOUBLE_EQ(sampler.epochs_at({}), 0.0);
  EXPECT_DOUBLE_EQ(sampler.epochs_at(sampler.position_after(0)), 0.25);
  EXPECT_DOUBLE_EQ(sampler.epochs_at(sampler.position_after(3)), 1.0);
  EXPECT_DOUBLE_EQ(sampler.epochs_at(sampler.position_after(5)), 1.5);
}

TEST(Sampler, RefusesUnusableOptions) {
  const auto store = make_store({3});
  EXPECT_THROW(Sampler({{store, 1.0}}, options(0)), ConfigError);
  EXPECT_THROW(Sampler({{store, 1.0}}, options(4, 4)), ConfigError);
  EXPECT_THROW(Sampler({{store, 0.0}}, options(4)), DataError);
  EXPECT_THROW(Sampler({{store, -1.0}}, options(4)), ConfigError);
  EXPECT_THROW(Sampler({{store, 1.0}}, options(4)).global_batch(-1), ConfigError);
}

TEST(Prefetcher, GivesTheSamplersBatchesAndItsErrors) {
  const auto store = make_store(some_lengths(30));
  Sampler direct({{store, 1.0}}, options(7)), ahead({{store, 1.0}}, options(7));
  Prefetcher prefetcher(ahead);
  for (const std::int64_t step : {0, 1, 2, 9, 10, 3}) {
    EXPECT_EQ(content_of(prefetcher.take(step)), content_of(direct.global_batch(step))) << step;
    EXPECT_EQ(ahead.position_after(step).documents, direct.position_after(step).documents);
  }
  EXPECT_THROW(prefetcher.take(-1), ConfigError);
}

TEST(SinglePass, VisitsEveryDocumentOnceOnAnyNumberOfRanks) {
  const auto store = make_store(some_lengths(50));
  for (const int ranks : {1, 2, 3}) {
    Content content;
    for (int rank = 0; rank < ranks; ++rank) {
      SamplerOptions with = options(1);
      with.data_rank = rank;
      with.data_size = ranks;
      const SinglePass pass(store, with);
      for (std::int64_t step = 0; step < pass.steps(); ++step) content.merge(content_of(pass.batch(step)));
    }
    EXPECT_EQ(content.size(), 50U) << ranks;
  }
  const SinglePass some(store, options(1), 8);
  EXPECT_EQ(some.documents(), 8);
}

}  // namespace
}  // namespace phidias::data
