#include "data/mixture/mixture_sampler.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "base/error.h"
#include "tests/data/mixture/made_sources.h"
#include "tests/data/temporary_directory.h"

namespace phidias::data::mixture {
namespace {

const char* const kPhases = R"(
sources: {web: a, code: b, synthetic: c}
phases:
  - name: general
    tokens: 900
    sources: {web: {weight: 6}, code: {weight: 3}, synthetic: {weight: 1}}
  - name: reasoning
    tokens: 700
    context: 9
    disjoint_from: general
    sources: {web: {weight: 1, where: {score: {minimum: 1.5}}}, synthetic: {weight: 2, max_epochs: 4, reuse_epochs: 5}}
)";

MixturePlan small_plan(std::int64_t seed = 0, const std::string& text = kPhases) {
  std::vector<MixtureSource> sources;
  sources.push_back(made_source("web", some_documents(90, 0)));
  sources.push_back(made_source("code", some_documents(50, 500)));
  sources.push_back(made_source("synthetic", some_documents(20, 900)));
  return plan_mixture(parse_mixture_config(text, "m.yaml"), std::move(sources), {.seed = seed});
}

SamplerOptions options(std::int64_t documents, std::int64_t tokens = 0) {
  SamplerOptions result;
  result.batch.documents = documents;
  result.batch.tokens = tokens;
  result.batch.micro_tokens = 64;
  return result;
}

// What a step means for the loss: for each document its record, tokens, positions and targets.
using Content = std::multiset<std::vector<std::int64_t>>;

Content content_of(const GlobalBatch& batch) {
  Content content;
  for (const MicroBatch& micro : batch.micro_batches)
    for (const Segment& segment : micro.segments) {
      std::vector<std::int64_t> document = {static_cast<std::int64_t>(segment.record_id)};
      for (auto t = static_cast<std::size_t>(segment.begin); t < static_cast<std::size_t>(segment.end); ++t)
        document.insert(document.end(), {micro.tokens[t], micro.positions[t], micro.targets[t]});
      content.insert(std::move(document));
    }
  return content;
}

struct Walk {
  std::vector<Content> contents;
  std::vector<DataPosition> positions;
  std::vector<std::int64_t> tokens;
};

// All steps from `first` to the mixture's end.
Walk walk(MixtureSampler& sampler, std::int64_t first = 0) {
  Walk walked;
  const std::int64_t all = sampler.plan().tokens;
  for (std::int64_t step = first;; ++step) {
    if (step > 0 && sampler.position_after(step - 1).tokens == all) return walked;
    const GlobalBatch batch = sampler.global_batch(step);
    walked.contents.push_back(content_of(batch));
    walked.tokens.push_back(batch.tokens);
    walked.positions.push_back(sampler.position_after(step));
  }
}

TEST(MixtureSampler, DrawsExactlyWhatThePlanSaysPhaseByPhase) {
  MixtureSampler sampler(small_plan(), options(1));
  const Walk all = walk(sampler);
  const MixturePlan& plan = sampler.plan();
  EXPECT_EQ(static_cast<std::int64_t>(all.contents.size()), plan.phases[0].documents + plan.phases[1].documents);
  const DataPosition& end = all.positions.back();
  EXPECT_EQ(end.phase, "reasoning");
  EXPECT_EQ(end.tokens, plan.tokens);
  ASSERT_EQ(end.sources.size(), 5U);
  std::size_t at = 0;
  for (const PlannedPhase& phase : plan.phases)
    for (const PlannedSource& from : phase.sources) {
      EXPECT_EQ(end.sources[at], (SourceProgress{phase.name, from.name, from.draws, from.tokens, from.epochs()}));
      ++at;
    }
  EXPECT_DOUBLE_EQ(sampler.epochs_at(end), 1.0);
  EXPECT_EQ(all.positions[static_cast<std::size_t>(plan.phases[0].documents) - 1].phase, "general");
  EXPECT_EQ(all.positions[static_cast<std::size_t>(plan.phases[0].documents)].phase, "reasoning");
  const std::string message = message_of<DataError>([&] { sampler.global_batch(static_cast<std::int64_t>(all.contents.size())); });
  EXPECT_TRUE(message.starts_with("the mixture is drawn to its end")) << message;
}

TEST(MixtureSampler, SharesFollowTheWeightsAtEveryStep) {
  MixtureSampler sampler(small_plan(), options(1));
  const Walk all = walk(sampler);
  for (const DataPosition& position : all.positions) {
    const PlannedPhase& phase = sampler.plan().phases[static_cast<std::size_t>(position.epoch)];
    double tokens = 0, longest = 0;
    for (const SourceProgress& progress : position.sources) tokens += progress.phase == phase.name ? static_cast<double>(progress.tokens) : 0;
    for (const PlannedSource& from : phase.sources) longest += static_cast<double>(from.pool.longest());
    for (const PlannedSource& from : phase.sources)
      for (const SourceProgress& progress : position.sources) {
        if (progress.phase != phase.name || progress.source != from.name) continue;
        // The header's bound.
        const double bound = std::max(static_cast<double>(from.pool.longest()), from.share * longest);
        EXPECT_LE(std::abs(static_cast<double>(progress.tokens) - from.share * tokens), bound) << from.name << " step " << position.step;
      }
  }
}

TEST(MixtureSampler, StepsHoldWholeBatchesAlsoWhereAPhaseBegins) {
  MixtureSampler sampler(small_plan(), options(0, 100));
  const Walk all = walk(sampler);
  for (std::size_t step = 0; step + 1 < all.tokens.size(); ++step) {
    EXPECT_LE(all.tokens[step], 100);
    EXPECT_GT(all.tokens[step], 100 - 24) << "no step is cut short by a phase";
  }
}

TEST(MixtureSampler, EverySingleStepResumesBitEqual) {
  for (const SamplerOptions& with : {options(3), options(0, 70)}) {
    MixtureSampler sampler(small_plan(), with);
    const Walk all = walk(sampler);
    for (std::size_t step = 0; step < all.contents.size(); ++step) {
      MixtureSampler resumed(small_plan(), with);
      if (step > 0) resumed.restore(all.positions[step - 1]);
      const Walk rest = walk(resumed, static_cast<std::int64_t>(step));
      ASSERT_TRUE(std::equal(rest.contents.begin(), rest.contents.end(), all.contents.begin() + static_cast<std::ptrdiff_t>(step), all.contents.end())) << step;
      ASSERT_TRUE(std::equal(rest.positions.begin(), rest.positions.end(), all.positions.begin() + static_cast<std::ptrdiff_t>(step), all.positions.end()));
      ASSERT_EQ(content_of(MixtureSampler(small_plan(), with).global_batch(static_cast<std::int64_t>(step))), all.contents[step]) << "also without a position";
    }
  }
}

TEST(MixtureSampler, RanksShareOutTheSameDocuments) {
  for (const SamplerOptions& with : {options(4), options(0, 90)}) {
    MixtureSampler single(small_plan(), with);
    const Walk all = walk(single);
    for (const int ranks : {2, 3}) {
      std::vector<std::unique_ptr<MixtureSampler>> samplers;
      for (int rank = 0; rank < ranks; ++rank) {
        SamplerOptions of_rank = with;
        of_rank.data_rank = rank;
        of_rank.data_size = ranks;
        samplers.push_back(std::make_unique<MixtureSampler>(small_plan(), of_rank));
      }
      for (std::size_t step = 0; step < all.contents.size(); ++step) {
        Content content;
        for (const auto& sampler : samplers) {
          content.merge(content_of(sampler->global_batch(static_cast<std::int64_t>(step))));
          ASSERT_EQ(sampler->position_after(static_cast<std::int64_t>(step)), all.positions[step]) << "every rank knows the whole position";
        }
        ASSERT_EQ(content, all.contents[step]) << ranks << " ranks, step " << step;
      }
    }
  }
}

TEST(MixtureSampler, ResumesWithOtherLaterPhasesAndRefusesOtherEarlierOnes) {
  MixtureSampler sampler(small_plan(), options(2));
  const DataPosition early = sampler.position_after(3), late = walk(sampler).positions.back();
  std::string changed = kPhases;
  changed.replace(changed.find("tokens: 700"), 11, "tokens: 500");
  MixtureSampler later(small_plan(0, changed), options(2));
  EXPECT_NO_THROW(later.restore(early));
  EXPECT_EQ(content_of(later.global_batch(4)), content_of(sampler.global_batch(4)));
  EXPECT_NE(message_of<CheckpointError>([&] { later.restore(late); }).find("phase reasoning came in another order"), std::string::npos);
  changed = kPhases;
  changed.replace(changed.find("weight: 6"), 9, "weight: 5");
  EXPECT_THROW(MixtureSampler(small_plan(0, changed), options(2)).restore(early), CheckpointError);
  EXPECT_THROW(MixtureSampler(small_plan(1), options(2)).restore(early), CheckpointError);
  for (const auto& damage : std::vector<void (*)(DataPosition&)>{
           [](DataPosition& p) { p.epoch = 7; }, [](DataPosition& p) { p.phase = "other"; }, [](DataPosition& p) { p.sources.pop_back(); },
           [](DataPosition& p) { p.sources[0].documents = 1 << 20; }, [](DataPosition& p) { p.step = -1; }}) {
    DataPosition position = early;
    damage(position);
    EXPECT_THROW(sampler.restore(position), CheckpointError);
  }
}

TEST(MixtureSampler, NamesItsRecords) {
  MixtureSampler sampler(small_plan(), options(2));
  EXPECT_EQ(sampler.describe_record(0), "web-0.jsonl:1");
  EXPECT_EQ(sampler.describe_record(17), "web-1.jsonl:1");
  EXPECT_EQ(sampler.describe_record(90 | std::uint64_t{2} << DocumentPool::kPieceBit), "code-0.jsonl:1, part 3");
}

TEST(MixtureSampler, RefusesUnusableBatches) {
  EXPECT_THROW(MixtureSampler(small_plan(), options(0)), ConfigError);
  EXPECT_THROW(MixtureSampler(small_plan(), options(2, 2)), ConfigError);
  EXPECT_THROW(MixtureSampler(small_plan(), options(2)).global_batch(-1), ConfigError);
}

// Any weights, lengths and phases: within an epoch nothing repeats, quotas are reached by less than a document, shares keep the bound, and any step can be the
// first one after a restart.
RC_GTEST_PROP(MixtureSampler, KeepsItsPromisesForAnyMixture, ()) {
  const auto sources = *rc::gen::inRange<std::size_t>(1, 4);
  std::vector<MixtureSource> made;
  std::string text = "sources: {", draws;
  for (std::size_t s = 0; s < sources; ++s) {
    const std::string name = "s" + std::to_string(s);
    made.push_back(made_source(name, some_documents(*rc::gen::inRange<std::int64_t>(1, 40), 1000 * s)));
    text += (s > 0 ? ", " : "") + name + ": x";
    draws += (s > 0 ? ", " : "") + name + ": {weight: " + std::to_string(*rc::gen::inRange(1, 50)) + ", max_epochs: 1000, reuse_epochs: 10000}";
  }
  std::string first = draws;
  for (std::size_t at = first.find(", reuse_epochs: 10000"); at != std::string::npos; at = first.find(", reuse_epochs: 10000")) first.erase(at, 21);
  const auto tokens = [] { return std::to_string(*rc::gen::inRange(1, 1500)); };
  text += "}\nphases:\n  - {name: a, tokens: " + tokens() + ", sources: {" + first + "}}\n  - {name: b, tokens: " + tokens() + ", context: 7, sources: {" +
          draws + "}}\n";
  const MixtureConfig config = parse_mixture_config(text, "m.yaml");
  const MixturePlan planned = plan_mixture(config, made, {.seed = *rc::gen::inRange(0, 5), .shuffle = *rc::gen::arbitrary<bool>()});
  for (std::size_t p = 0; p < 2; ++p)
    for (const PlannedSource& from : planned.phases[p].sources) {
      RC_ASSERT(from.tokens >= from.quota && (from.quota == 0 || from.tokens < from.quota + from.pool.longest()));
      std::set<std::uint64_t> epoch;
      for (std::int64_t c = 0; c < from.draws; ++c) {
        if (c % from.pool.draws() == 0) epoch.clear();
        RC_ASSERT(epoch.insert(planned.draw(p, from, c).record_id).second);
      }
    }
  const SamplerOptions with =
      *rc::gen::arbitrary<bool>() ? options(*rc::gen::inRange<std::int64_t>(1, 9)) : options(0, *rc::gen::inRange<std::int64_t>(24, 90));
  const auto sampler = [&] { return MixtureSampler(plan_mixture(config, made, {.seed = planned.seed, .shuffle = planned.shuffle}), with); };
  MixtureSampler whole = sampler();
  const Walk all = walk(whole);
  RC_ASSERT(all.positions.back().documents == planned.phases[0].documents + planned.phases[1].documents);
  const auto step = *rc::gen::inRange<std::size_t>(0, all.contents.size());
  MixtureSampler resumed = sampler();
  if (step > 0) resumed.restore(all.positions[step - 1]);
  RC_ASSERT(content_of(resumed.global_batch(static_cast<std::int64_t>(step))) == all.contents[step]);
  RC_ASSERT(resumed.position_after(static_cast<std::int64_t>(step)) == all.positions[step]);
}

}  // namespace
}  // namespace phidias::data::mixture
