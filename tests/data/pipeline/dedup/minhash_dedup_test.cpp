#include "data/pipeline/dedup/minhash_dedup.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>

#include "base/error.h"
#include "data/pipeline/dedup/candidate_pairs.h"
#include "tests/data/pipeline/dedup/generated_corpus.h"
#include "tests/data/temporary_directory.h"

namespace phidias::data::pipeline {
namespace {

struct TruePair {
  std::size_t a, b;
  double jaccard;
};

// Of all pairs that share a shingle, by counting the documents of each shingle.
std::vector<TruePair> true_pairs(const std::vector<Sample>& samples) {
  std::map<std::string, std::vector<std::size_t>> documents;
  std::vector<std::size_t> sizes;
  for (std::size_t i = 0; i < samples.size(); ++i) {
    const std::set<std::string> shingles = word_shingles(samples[i].text);
    sizes.push_back(shingles.size());
    for (const std::string& shingle : shingles) documents[shingle].push_back(i);
  }
  std::map<std::pair<std::size_t, std::size_t>, std::size_t> shared;
  for (const auto& [shingle, list] : documents)
    for (std::size_t j = 0; j < list.size(); ++j)
      for (std::size_t i = 0; i < j; ++i) ++shared[{list[i], list[j]}];
  std::vector<TruePair> pairs;
  for (const auto& [pair, count] : shared)
    pairs.push_back({pair.first, pair.second, static_cast<double>(count) / static_cast<double>(sizes[pair.first] + sizes[pair.second] - count)});
  return pairs;
}

// From the annotations; documents outside clusters are their own.
std::vector<std::string> clusters_of(const std::vector<Outcome>& outcomes) {
  std::vector<std::string> clusters;
  for (std::size_t i = 0; i < outcomes.size(); ++i) {
    const std::string& text = outcomes[i].annotations;
    clusters.push_back(text.empty() ? "own " + std::to_string(i) : text.substr(0, text.find(' ')));
  }
  return clusters;
}

// Pairs of true similarity of at least 0.8 must end in one cluster (recall), and every accepted pair, the earlier and the later document of which are
// known, must be one of them (precision).
TEST(MinhashDedup, FindsPairsOfJaccardFourFifthsAndNoOthers) {
  const TemporaryDirectory directory;
  const std::vector<Sample> samples = edited_corpus(150, {0.01, 0.02, 0.05, 0.2, 0.5}, 7);
  std::vector<std::pair<std::string, std::string>> notes;
  const auto outcomes = run_stage<MinhashDedup>({}, samples, {.scratch = directory.path() / "scratch", .notes = &notes});
  const std::vector<std::string> clusters = clusters_of(outcomes);
  int close = 0, found = 0, near_bound = 0;
  std::map<std::string, int> sizes;
  std::vector<std::vector<std::size_t>> neighbours(samples.size());
  for (const TruePair& pair : true_pairs(samples)) {
    if (pair.jaccard < 0.8) continue;
    ++close;
    near_bound += pair.jaccard < 0.85;
    found += clusters[pair.a] == clusters[pair.b];
    neighbours[pair.a].push_back(pair.b);
    neighbours[pair.b].push_back(pair.a);
  }
  ASSERT_GE(close, 600);
  ASSERT_GE(near_bound, 100);  // the set asks something of the bound
  EXPECT_GE(found, 0.98 * close);
  RecordProperty("recall", std::to_string(found) + "/" + std::to_string(close) + ", " + std::to_string(near_bound) + " below 0.85");
  // A cluster grows by accepted pairs alone, so each member must have a true neighbour in it.
  int members = 0, supported = 0;
  for (std::size_t i = 0; i < samples.size(); ++i) {
    if (clusters[i].starts_with("own")) continue;
    ++members;
    supported += std::any_of(neighbours[i].begin(), neighbours[i].end(), [&](std::size_t n) { return clusters[n] == clusters[i]; });
  }
  EXPECT_GE(supported, 0.99 * members);
  const auto note = [&](const std::string& key) { return std::find_if(notes.begin(), notes.end(), [&](const auto& n) { return n.first == key; })->second; };
  EXPECT_GE(close, 0.99 * std::stod(note("accepted_pairs")));  // accepted pairs are true pairs
  EXPECT_EQ(std::stoi(note("clusters")), std::stoi(note("survivors")));
  EXPECT_EQ(static_cast<int>(std::count_if(outcomes.begin(), outcomes.end(), [](const Outcome& o) { return !o.reason.empty(); })),
            members - std::stoi(note("clusters")));
}

TEST(MinhashDedup, EveryAcceptedPairReallyHasItsSimilarity) {
  const TemporaryDirectory directory;
  const std::vector<Sample> samples = edited_corpus(30, {0.02, 0.04}, 8);
  const MinhashDedup stage({}, {.name = "dedup"});
  RecordList records;
  for (std::size_t i = 0; i < samples.size(); ++i) {
    std::string record;
    stage.collect(document_of(samples[i], i), record);
    records.add(record);
  }
  const std::string bytes = records.bytes();
  const std::vector<CollectedUnit> units{{0, "web", RecordListView(bytes)}};
  parallel::SingleProcess alone;
  const Collected collected{.units = units, .documents = static_cast<std::int64_t>(samples.size()), .group = &alone, .scratch = directory.path()};
  const Corpus corpus(collected, {});
  std::int64_t distinct = 0;
  const std::vector<Edge> pairs = verified_pairs(corpus, candidate_pairs(corpus, 20), 20, 0.8, distinct);
  ASSERT_GE(pairs.size(), 30u);
  EXPECT_GT(distinct, static_cast<std::int64_t>(pairs.size()));  // some candidates were refused
  for (const Edge& pair : pairs)
    EXPECT_GE(true_jaccard(word_shingles(samples[static_cast<std::size_t>(pair.high)].text), word_shingles(samples[static_cast<std::size_t>(pair.low)].text)),
              0.8);
}

TEST(MinhashDedup, ABucketOfManyCopiesCostsLinearlyManyPairsAndStaysOneCluster) {
  const TemporaryDirectory directory;
  std::vector<Sample> samples = edited_corpus(1, {}, 9);
  samples.resize(500, samples[0]);
  std::vector<std::pair<std::string, std::string>> notes;
  const auto outcomes = run_stage<MinhashDedup>({}, samples, {.scratch = directory.path() / "scratch", .notes = &notes});
  EXPECT_EQ(outcomes[0].annotations, "dedup.cluster=0.000000 dedup.cluster_size=500.000000 ");
  EXPECT_EQ(outcomes[0].reason, "");
  EXPECT_EQ(outcomes[499].reason, "duplicate");
  std::string alarm;
  for (const auto& [key, value] : notes) {
    if (key == "candidate_pairs") {
      EXPECT_LE(std::stoi(value), 500 * 8);
    }
    if (key == "alarm") alarm = value;
  }
  EXPECT_NE(alarm.find("the largest has 500: doc0, doc1, doc2"), std::string::npos) << alarm;
}

TEST(MinhashDedup, LargeClustersStayOrGoAsAsked) {
  const TemporaryDirectory directory;
  std::vector<Sample> samples = edited_corpus(2, {}, 10);
  samples.insert(samples.end(), {samples[0], samples[0], samples[1]});
  const RunOptions options{.scratch = directory.path() / "scratch"};
  using Reasons = std::vector<std::string>;
  EXPECT_EQ(reasons_of(run_stage<MinhashDedup>({}, samples, options)), (Reasons{"-", "-", "duplicate", "duplicate", "duplicate"}));
  EXPECT_EQ(reasons_of(run_stage<MinhashDedup>({.largest_cluster = 2}, samples, options)), (Reasons{"-", "-", "-", "-", "duplicate"}));
  EXPECT_EQ(reasons_of(run_stage<MinhashDedup>({.largest_cluster = 2, .above_largest = LargeClusters::drop}, samples, options)),
            (Reasons{"large_cluster", "-", "large_cluster", "large_cluster", "duplicate"}));
}

TEST(MinhashDedup, KeepsTheBestAndComparesWithinASource) {
  const TemporaryDirectory directory;
  std::vector<Sample> samples = edited_corpus(1, {}, 11);
  samples.insert(samples.end(), {samples[0], samples[0]});
  samples[1].score = 5;
  samples[2].source = "other";
  const RunOptions options{.scratch = directory.path() / "scratch"};
  using Reasons = std::vector<std::string>;
  EXPECT_EQ(reasons_of(run_stage<MinhashDedup>({.keep = KeepRule::best, .score = "score"}, samples, options)), (Reasons{"duplicate", "-", "duplicate"}));
  EXPECT_EQ(reasons_of(run_stage<MinhashDedup>({.scope = DedupScope::source}, samples, options)), (Reasons{"-", "duplicate", "-"}));
}

TEST(MinhashDedup, DropsWhatIsNearAnEarlierDump) {
  const TemporaryDirectory directory;
  const RunOptions options{.scratch = directory.path() / "scratch"};
  const std::vector<Sample> samples = edited_corpus(4, {}, 12);
  const std::string store = directory.path() / "store";
  run_stage<MinhashDedup>({.write_signatures = store}, {samples[0], samples[1], samples[0]}, options);
  Sample edited = samples[1];
  edited.text += " and one more";
  const auto outcomes = run_stage<MinhashDedup>({.against = {store}}, {samples[2], edited, samples[2], samples[3], edited}, options);
  EXPECT_EQ(reasons_of(outcomes), (std::vector<std::string>{"-", "earlier_dump", "duplicate", "-", "earlier_dump"}));
  EXPECT_THROW(run_stage<MinhashDedup>({.bands = 10, .against = {store}}, samples, options), DataError);
}

TEST(MinhashDedup, ShortTextsHaveNoNearDuplicates) {
  const TemporaryDirectory directory;
  const auto outcomes = run_stage<MinhashDedup>({}, {{"one two three four"}, {"one two three four"}, {""}}, {.scratch = directory.path() / "scratch"});
  EXPECT_EQ(reasons_of(outcomes), (std::vector<std::string>{"-", "-", "-"}));
}

TEST(MinhashDedup, OtherSplittersSeeTheirOwnWords) {
  const TemporaryDirectory directory;
  const std::string text = "東京都は日本の首都であり世界でも最大級の都市の一つである";
  for (const auto& [splitter, expected] : {std::pair{SplitterKind::whitespace, "-"}, std::pair{SplitterKind::icu, "duplicate"}})
    EXPECT_EQ(reasons_of(run_stage<MinhashDedup>({.splitter = splitter}, {{text}, {text}}, {.scratch = directory.path() / "scratch"}))[1], expected);
}

TEST(MinhashDedup, PresetOfFinewebGoesWithoutOtherShapes) {
  EXPECT_THROW(MinhashDedup({.preset = MinhashPreset::fineweb, .bands = 9}, {.name = "dedup"}), ConfigError);
  const MinhashDedup stage({.preset = MinhashPreset::fineweb}, {.name = "dedup"});
  EXPECT_NE(stage.notes()[0].second.find("minhash 14 x 8 of 5 words, shingles not kept"), std::string::npos);
  EXPECT_NE(stage.notes()[1].second.find("0.80: 0.9235"), std::string::npos) << stage.notes()[1].second;
}

TEST(MinhashRecord, RefusesDamagedBytes) {
  std::string record;
  append_minhash_record(record, 1.5, "id", std::vector<std::uint64_t>{1, 2}, std::vector<std::uint32_t>{3, 4});
  const MinhashRecordView view(record, 2);
  EXPECT_EQ(view.id(), "id");
  EXPECT_EQ(view.band_key(1), 2u);
  EXPECT_EQ(view.shingles().size(), 8u);
  for (std::size_t size = 0; size < record.size(); ++size) {
    try {
      EXPECT_LE(MinhashRecordView(std::string_view(record).substr(0, size), 2).shingles().size(), 4u);  // cut after the first shingle or before it
    } catch (const DataError&) {
    }
  }
}

}  // namespace
}  // namespace phidias::data::pipeline
