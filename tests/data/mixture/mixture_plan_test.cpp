#include "data/mixture/mixture_plan.h"

#include <gtest/gtest.h>

#include <set>

#include "base/error.h"
#include "base/json.h"
#include "tests/data/mixture/made_sources.h"
#include "tests/data/temporary_directory.h"

namespace phidias::data::mixture {
namespace {

// 100 web documents (ids 0 to 99, 1,293 tokens) and 40 synthetic ones (ids 1000 to 1039).
std::vector<MixtureSource> two_sources() {
  std::vector<MixtureSource> sources;
  sources.push_back(made_source("web", some_documents(100, 0)));
  sources.push_back(made_source("synthetic", some_documents(40, 1000)));
  return sources;
}

MixturePlan plan(const std::string& phases, const PlanOptions& options = {}, const std::string& head = "") {
  const MixtureConfig config = parse_mixture_config(head + "sources: {web: a, synthetic: b}\nphases:\n" + phases, "m.yaml");
  return plan_mixture(config, two_sources(), options);
}
std::string error(const std::string& phases) {
  return message_of<ConfigError>([&] { plan(phases); });
}

// Documents (global number, piece) that a phase draws from one of its sources, in their order.
std::vector<std::uint64_t> drawn(const MixturePlan& plan, std::size_t phase, std::size_t source) {
  const PlannedSource& from = plan.phases[phase].sources[source];
  std::vector<std::uint64_t> records;
  for (std::int64_t c = 0; c < from.draws; ++c) records.push_back(plan.draw(phase, from, c).record_id);
  return records;
}

TEST(MixturePlan, QuotasFollowTheWeightsAndAreReached) {
  const MixturePlan planned = plan("  - {name: one, tokens: 1000, sources: {web: 3, synthetic: 1}}\n");
  const PlannedPhase& phase = planned.phases.at(0);
  EXPECT_EQ(phase.sources[0].quota, 750);
  EXPECT_EQ(phase.sources[1].quota, 250);
  for (const PlannedSource& from : phase.sources) {
    EXPECT_GE(from.tokens, from.quota) << from.name;
    EXPECT_LT(from.tokens, from.quota + from.pool.longest()) << "at most one document beyond";
  }
  EXPECT_EQ(planned.tokens, phase.sources[0].tokens + phase.sources[1].tokens);
  EXPECT_EQ(plan("  - {name: one, tokens: 10, sources: {web: 1, synthetic: 2}}\n").phases[0].sources[0].quota, 4) << "what rounding leaves goes to the first";
}

TEST(MixturePlan, AnEpochIsAPermutationAndEpochsDiffer) {
  const std::vector<MadeDocument> synthetic = some_documents(40, 1000);
  const std::int64_t tokens = 3 * tokens_of(synthetic);
  const MixturePlan planned = plan("  - {name: one, tokens: " + std::to_string(tokens) + ", sources: {synthetic: {weight: 1, max_epochs: 3}}}\n");
  EXPECT_EQ(planned.phases[0].sources[0].draws, 120) << "exactly three passes reach exactly three times the tokens";
  EXPECT_EQ(planned.phases[0].sources[0].tokens, tokens);
  const std::vector<std::uint64_t> records = drawn(planned, 0, 0);
  std::vector<std::vector<std::uint64_t>> epochs;
  for (int e = 0; e < 3; ++e) {
    epochs.emplace_back(records.begin() + 40 * e, records.begin() + 40 * (e + 1));
    const std::set<std::uint64_t> distinct(epochs.back().begin(), epochs.back().end());
    EXPECT_EQ(distinct.size(), 40U);
    EXPECT_EQ(*distinct.begin(), 100U) << "records are numbered over all sources";
  }
  EXPECT_NE(epochs[0], epochs[1]);
  EXPECT_NE(epochs[1], epochs[2]);
}

TEST(MixturePlan, ThresholdsChooseDocuments) {
  const MixturePlan planned = plan("  - {name: one, tokens: 50, sources: {web: {weight: 1, where: {score: {minimum: 4.1, maximum: 4.5}, language: en}}}}\n");
  std::set<std::uint64_t> expected;
  const std::vector<MadeDocument> web = some_documents(100, 0);
  for (const MadeDocument& document : web)
    if (document.score >= 4.1F && document.score <= 4.5F && document.language == "en") expected.insert(document.id);
  const DocumentPool& pool = planned.phases[0].sources[0].pool;
  ASSERT_EQ(pool.draws(), static_cast<std::int64_t>(expected.size()));
  EXPECT_EQ(pool.outside(), 100 - pool.draws());
  std::set<std::uint64_t> found;
  for (std::int64_t i = 0; i < pool.draws(); ++i) found.insert(pool.draw(i).record_id);
  EXPECT_EQ(found, expected) << "4.1 and 4.5 themselves belong to it";
}

TEST(MixturePlan, MistakenThresholdsAreNamed) {
  const auto with = [](const std::string& where) { return "  - {name: one, tokens: 5, sources: {web: {weight: 1, where: {" + where + "}}}}\n"; };
  EXPECT_EQ(error(with("scor: {minimum: 1}")),
            "m.yaml: phase one, source web: no document has the annotation 'scor'; did you mean score?; there are: language, score (`phidias data tokenize "
            "--columns` keeps more)");
  EXPECT_EQ(error(with("score: [high]")), "m.yaml: phase one, source web: annotation 'score' of web-0.jsonl is a number: give minimum or maximum");
  EXPECT_EQ(error(with("language: {minimum: 1}")), "m.yaml: phase one, source web: annotation 'language' of web-0.jsonl is a text: give values");
  EXPECT_EQ(error(with("language: [fr]")),
            "m.yaml: phase one, source web: no document is left of 100: 100 do not fit `where`, 0 are used by a phase it is disjoint from");
}

TEST(MixturePlan, MoreEpochsThanAllowedFailWithTheNumbers) {
  EXPECT_EQ(tokens_of(some_documents(100, 0)), 1293);
  EXPECT_NO_THROW(plan("  - {name: one, tokens: 1293, sources: {web: 1}}\n"));
  EXPECT_EQ(
      error("  - {name: one, tokens: 1294, sources: {web: 1}}\n"),
      "m.yaml: phase one, source web: 1,294 tokens are 1.001 epochs of the 1,293 unique tokens that it may take (of 100 documents 0 do not fit `where`, 0 are "
      "used by a phase it is disjoint from), max_epochs is 1; lower tokens or weight, choose more documents, or raise max_epochs");
  EXPECT_NO_THROW(plan("  - {name: one, tokens: 3232, sources: {web: {weight: 1, max_epochs: 2.5}}}\n"));
  EXPECT_THROW(plan("  - {name: one, tokens: 3233, sources: {web: {weight: 1, max_epochs: 2.5}}}\n"), ConfigError);
}

const std::string kGeneral = "  - {name: general, tokens: 600, sources: {web: 1}}\n";

TEST(MixturePlan, SharedDocumentsMustBeDeclared) {
  const std::string message = error(kGeneral + "  - {name: second, tokens: 100, sources: {web: 1}}\n");
  const MixturePlan first = plan(kGeneral);
  const std::string used = std::to_string(first.phases[0].sources[0].draws);
  EXPECT_EQ(message, "m.yaml: phase second, source web: of the documents it may take, earlier phases use " + used + " by phase general (source web, 0." + used +
                         " epochs); leave them out with `disjoint_from`, or declare `reuse_epochs`");
  EXPECT_NO_THROW(plan(kGeneral + "  - {name: second, tokens: 100, sources: {synthetic: 1}}\n")) << "other documents";
}

TEST(MixturePlan, DisjointPhasesTakeWhatTheEarlierOneLeft) {
  const MixturePlan planned = plan(kGeneral + "  - {name: second, tokens: 600, disjoint_from: general, sources: {web: 1}}\n");
  const std::vector<std::uint64_t> first = drawn(planned, 0, 0), second = drawn(planned, 1, 0);
  std::set<std::uint64_t> both(first.begin(), first.end());
  both.insert(second.begin(), second.end());
  EXPECT_EQ(both.size(), first.size() + second.size()) << "no document in both, none twice";
  EXPECT_EQ(planned.phases[1].sources[0].pool.excluded(), static_cast<std::int64_t>(first.size()));
  ASSERT_EQ(planned.overlaps.size(), 1U);
  EXPECT_EQ(planned.overlaps[0].documents, 0);
  EXPECT_TRUE(planned.overlaps[0].declared_disjoint);
  const std::string too_much = error(kGeneral + "  - {name: second, tokens: 700, disjoint_from: general, sources: {web: 1}}\n");
  EXPECT_NE(too_much.find("max_epochs is 1"), std::string::npos) << too_much;
}

TEST(MixturePlan, DocumentsAreKnownInEverySourceByIdOrByText) {
  // The second source repeats the first's documents: under the same ids, or under others with the same text.
  const auto overlap = [](const std::string& identity, std::uint64_t other_ids) {
    std::vector<MixtureSource> sources;
    std::vector<MadeDocument> again = some_documents(100, other_ids);
    sources.push_back(made_source("web", some_documents(100, 0)));
    TokenShard shard = made_shard(again, "again.jsonl");
    if (other_ids != 0) {
      ColumnTable same_text({"score", "language"});
      for (const MadeDocument& document : again) same_text.add(document.id, document.id - other_ids + 1'000'000, {document.score, document.language});
      shard.columns = std::move(same_text);
    }
    std::vector<TokenShard> shards;
    shards.push_back(std::move(shard));
    sources.emplace_back("again", std::move(shards));
    const MixtureConfig config = parse_mixture_config("identity: " + identity + "\nsources: {web: a, again: b}\nphases:\n" + kGeneral +
                                                          "  - {name: second, tokens: 100, disjoint_from: general, sources: {again: 1}}\n",
                                                      "m.yaml");
    return plan_mixture(config, std::move(sources), {}).phases[1].sources[0].pool.excluded();
  };
  const std::int64_t used = plan(kGeneral).phases[0].sources[0].draws;
  EXPECT_EQ(overlap("id", 0), used);
  EXPECT_EQ(overlap("text", 0), used);
  EXPECT_EQ(overlap("id", 5000), 0);
  EXPECT_EQ(overlap("text", 5000), used);
}

TEST(MixturePlan, DocumentsInTwoSourcesOfAPhaseAreCounted) {
  std::vector<MixtureSource> sources;
  sources.push_back(made_source("web", some_documents(100, 0)));
  sources.push_back(made_source("again", some_documents(100, 40)));
  const std::int64_t all = tokens_of(some_documents(100, 0));
  const MixtureConfig config = parse_mixture_config(
      "sources: {web: a, again: b}\nphases:\n  - {name: one, tokens: " + std::to_string(2 * all) + ", sources: {web: 1, again: 1}}\n", "m.yaml");
  EXPECT_EQ(plan_mixture(config, std::move(sources), {}).phases[0].shared, 60);
}

TEST(MixturePlan, ReuseIsCappedOverAllPhases) {
  const std::string whole = "  - {name: general, tokens: 1293, sources: {web: 1}}\n";
  const auto second = [](const std::string& reuse) {
    return "  - {name: second, tokens: 646, disjoint_from: general, sources: {web: {weight: 1, reuse_epochs: " + reuse + "}}}\n";
  };
  const MixturePlan planned = plan(whole + second("1.6"));  // half of the tokens, and at most a document beyond
  EXPECT_EQ(planned.phases[1].sources[0].pool.excluded(), 0) << "reuse_epochs goes before disjoint_from";
  EXPECT_EQ(planned.overlaps[0].documents, planned.phases[1].sources[0].draws);
  const std::string message = error(whole + second("1.4"));
  EXPECT_NE(message.find("100 by phase general (source web, 1 epochs)"), std::string::npos) << message;
  EXPECT_NE(message.find("reuse_epochs is 1.4"), std::string::npos) << message;
}

TEST(MixturePlan, TheContextCutsDocuments) {
  const MixturePlan planned = plan("  - {name: one, tokens: 1000, context: 8, sources: {web: 1}}\n", {.max_length = 20});
  EXPECT_EQ(planned.phases[0].context, 8);
  EXPECT_EQ(plan("  - {name: one, tokens: 1000, sources: {web: 1}}\n", {.max_length = 20}).phases[0].context, 20);
  const DocumentPool& pool = planned.phases[0].sources[0].pool;
  EXPECT_EQ(pool.longest(), 8);
  const std::vector<MadeDocument> web = some_documents(100, 0);
  std::int64_t draws = 0, tokens = 0;
  for (const MadeDocument& document : web) {
    for (std::int64_t begin = 0; document.length - begin >= 2; begin += 8) {
      const DocumentRef ref = pool.draw(draws);
      const Document piece = ref.document();
      EXPECT_EQ(ref.record_id, document.id | static_cast<std::uint64_t>(begin / 8) << DocumentPool::kPieceBit);
      ASSERT_EQ(ref.length(), std::min<std::int64_t>(8, document.length - begin));
      EXPECT_EQ(static_cast<std::int64_t>(piece.ids.size()), ref.length());
      EXPECT_EQ(piece.ids.front(), static_cast<std::int32_t>(1000 * (document.id % 17)) + begin);
      EXPECT_EQ(ref.targets(), ref.length() - 1) << "the first token of a piece is no target";
      ++draws;
      tokens += ref.length();
    }
  }
  EXPECT_EQ(pool.draws(), draws);
  EXPECT_EQ(pool.tokens(), tokens);
}

TEST(MixturePlan, PiecesOfADocumentStayInOnePhase) {
  // Documents of 24 tokens in three pieces: the second phase may take only those of which the first used nothing.
  std::vector<MadeDocument> documents = some_documents(60, 0);
  for (MadeDocument& document : documents) document.length = 24;
  std::vector<MixtureSource> sources;
  sources.push_back(made_source("web", documents));
  const MixtureConfig config = parse_mixture_config(
      "sources: {web: a}\nphases:\n  - {name: one, tokens: 100, context: 8, sources: {web: 1}}\n  - {name: two, tokens: 500, context: 8, disjoint_from: one, "
      "sources: {web: 1}}\n",
      "m.yaml");
  const MixturePlan planned = plan_mixture(config, std::move(sources), {});
  std::set<std::uint64_t> first;
  for (const std::uint64_t record : drawn(planned, 0, 0)) first.insert(record & 0xFFFF);
  for (const std::uint64_t record : drawn(planned, 1, 0)) EXPECT_FALSE(first.contains(record & 0xFFFF));
  EXPECT_EQ(planned.phases[1].sources[0].pool.excluded(), static_cast<std::int64_t>(first.size()));
}

TEST(MixturePlan, TheOrderOfAPhaseDependsOnWhatIsBeforeItAlone) {
  const std::string disjoint = "  - {name: second, tokens: 100, disjoint_from: general, sources: {web: 1}}\n";
  const MixturePlan a = plan(kGeneral + disjoint), b = plan(kGeneral + "  - {name: other, tokens: 70, sources: {synthetic: 1}}\n");
  EXPECT_EQ(a.phases[0].order, b.phases[0].order);
  EXPECT_NE(a.phases[1].order, b.phases[1].order);
  EXPECT_NE(a.phases[0].order, plan(kGeneral, {.seed = 1}).phases[0].order);
  EXPECT_EQ(plan(kGeneral, {.seed = 1}, "seed: 0\n").phases[0].order, a.phases[0].order) << "the mixture's own seed counts";
  EXPECT_NE(drawn(a, 0, 0), drawn(plan(kGeneral, {.seed = 1}), 0, 0));
  EXPECT_NE(a.phases[0].order, plan(kGeneral, {.max_length = 8}).phases[0].order);
}

TEST(MixturePlan, TheReportShowsWhatIsTaken) {
  const MixturePlan planned = plan(kGeneral + "  - {name: second, tokens: 100, disjoint_from: general, sources: {web: 0.5, synthetic: 0.5}}\n");
  const Json json = parse_json(planned.json(), "plan");
  EXPECT_EQ(json["phases"][0]["sources"][0]["name"], "web");
  EXPECT_EQ(json["phases"][0]["sources"][0]["unique_tokens"], 1293);
  EXPECT_EQ(json["phases"][1]["sources"][0]["left_out"], planned.phases[0].sources[0].draws);
  EXPECT_EQ(json["overlaps"][0]["documents"], 0);
  EXPECT_EQ(json["tokens"], planned.tokens);
  const std::string text = planned.summary();
  for (const char* part : {"phase general: ", "50.0 %", "1,293", "phases general and second: 0 documents in both"})
    EXPECT_NE(text.find(part), std::string::npos) << text;
}

}  // namespace
}  // namespace phidias::data::mixture
