#include "data/pipeline/dedup/minhash_dedup.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstring>
#include <utility>

#include "base/error.h"
#include "base/hash.h"
#include "base/log.h"
#include "data/pipeline/dedup/candidate_pairs.h"
#include "data/pipeline/dedup/connected_components.h"
#include "data/pipeline/dedup/exact_dedup.h"
#include "data/pipeline/dedup/exchange.h"

namespace phidias::data::pipeline {
namespace {

MinhashDedup::Config with_preset(MinhashDedup::Config config, const std::string& stage) {
  if (config.preset == MinhashPreset::none) return config;
  const MinhashDedup::Config defaults;
  if (config.bands != defaults.bands || config.rows != defaults.rows || config.shingle_words != defaults.shingle_words || config.jaccard != defaults.jaccard)
    throw ConfigError(stage + ": preset: fineweb says what bands, rows, shingle_words and jaccard are; remove those keys or the preset");
  config.bands = 14;
  config.rows = 8;
  config.jaccard = 0;
  return config;
}

struct Scratch {
  NormalisedText text, joined;
  std::vector<std::uint64_t> shingles, minima, band_keys;
  std::vector<std::uint32_t> set, other;
  Words words;
};

// The words of another splitter than white space, joined by spaces.
const NormalisedText& split_again(const NormalisedText& text, SplitterKind splitter, Scratch& scratch) {
  if (splitter == SplitterKind::whitespace) return text;
  WordSplitter::of(splitter).split(text.view(), scratch.words);
  NormalisedText& joined = scratch.joined;
  joined.buffer.clear();
  joined.starts.clear();
  for (const std::string_view word : scratch.words) {
    if (!joined.buffer.empty()) joined.buffer += ' ';
    joined.starts.push_back(joined.buffer.size());
    joined.buffer += word;
  }
  joined.size = joined.buffer.size();
  return joined;
}

// Sorts by four passes over the bytes; `other` lends memory.
void sort_numbers(std::vector<std::uint32_t>& numbers, std::vector<std::uint32_t>& other) {
  std::array<std::array<std::uint32_t, 256>, 4> places{};
  for (const std::uint32_t number : numbers)
    for (std::uint32_t pass = 0; pass < 4; ++pass) ++places[pass][number >> 8 * pass & 255];
  other.resize(numbers.size());
  for (std::uint32_t pass = 0; pass < 4; ++pass) {
    std::uint32_t before = 0;
    for (std::uint32_t& place : places[pass]) before += std::exchange(place, before);
    for (const std::uint32_t number : numbers) other[places[pass][number >> 8 * pass & 255]++] = number;
    numbers.swap(other);
  }
}

// Sorted upper halves, each once.
void make_set(std::span<const std::uint64_t> shingles, std::vector<std::uint32_t>& set, std::vector<std::uint32_t>& other) {
  set.clear();
  for (const std::uint64_t shingle : shingles) set.push_back(static_cast<std::uint32_t>(shingle >> 32));
  sort_numbers(set, other);
  set.erase(std::unique(set.begin(), set.end()), set.end());
}

std::string rounded(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.4f", value);
  return text;
}

// Every vertex of the stars with its cluster and score, at one rank per cluster.
std::vector<ClusterMember> members_of(const Corpus& corpus, const std::vector<Edge>& stars, std::size_t bands) {
  std::vector<ClusterMember> members;
  for (const Edge& star : stars) members.push_back({star.low, star.high, 0});
  const auto by_cluster = [&](const ClusterMember& m) { return owner_of_key(mixed(static_cast<std::uint64_t>(m.cluster)), corpus.group().size()); };
  members = exchange(corpus.group(), std::move(members), by_cluster);
  std::vector<std::int64_t> roots;
  for (const ClusterMember& member : members) roots.push_back(member.cluster);
  std::sort(roots.begin(), roots.end());
  roots.erase(std::unique(roots.begin(), roots.end()), roots.end());
  for (const std::int64_t root : roots) members.push_back({root, root, 0});
  // Scores lie with the records: there and back.
  members = exchange(corpus.group(), std::move(members), [&](const ClusterMember& member) { return corpus.rank_of(member.document); });
  for (ClusterMember& member : members) member.score = MinhashRecordView(corpus.record(member.document), bands).score();
  return exchange(corpus.group(), std::move(members), by_cluster);
}

}  // namespace

MinhashDedup::MinhashDedup(const Config& config, const StageSetup& setup)
    : CollectiveStage(setup),
      config_(with_preset(config, setup.name)),
      bands_(static_cast<std::size_t>(config_.bands)),
      normaliser_(config_.normalise),
      permutations_(static_cast<std::size_t>(config_.bands * config_.rows), static_cast<std::uint32_t>(config_.permutation_seed)) {
  check_survivor_keys(name(), config_.keep, config_.score, config_.write_signatures, config_.against);
  stores_ = open_stores(config_.against, name(), parameters());
  note_parameters();
}

MinhashDedup::~MinhashDedup() = default;

std::vector<std::filesystem::path> MinhashDedup::resources() const { return store_paths(config_.against, name()); }

std::string MinhashDedup::parameters() const {
  const auto on = [](bool value) { return value ? "1" : "0"; };
  const auto number = [](std::int64_t value) { return std::to_string(value); };
  return "minhash " + number(config_.bands) + " x " + number(config_.rows) + " of " + number(config_.shingle_words) + " words, shingles " +
         (config_.jaccard > 0 ? "kept" : "not kept") + ", splitter " +
         std::string(configs::enum_names<SplitterKind>[static_cast<std::size_t>(config_.splitter)]) + ", normalise " + on(config_.normalise.lowercase) +
         on(config_.normalise.numbers) + on(config_.normalise.punctuation) + on(config_.normalise.marks) + ", seed " + number(config_.permutation_seed) +
         ", scope " + std::string(configs::enum_names<DedupScope>[static_cast<std::size_t>(config_.scope)]);
}

void MinhashDedup::note_parameters() {
  notes_.emplace_back("parameters", parameters() + ", jaccard " + rounded(config_.jaccard));
  std::string curve;
  for (const double similarity : {0.5, 0.6, 0.7, 0.75, 0.8, 0.85, 0.9, 0.95})
    curve += (curve.empty() ? "" : ", ") + rounded(similarity).substr(0, 4) + ": " + rounded(match_probability(similarity, config_.bands, config_.rows));
  notes_.emplace_back("probability_to_be_compared", curve);
  notes_.emplace_back("bytes_per_document", std::to_string(16 + 8 * bands_) + " + id" + (config_.jaccard > 0 ? " + 4 per shingle" : "") + " on disk, " +
                                                std::to_string(8 * bands_ + 48) + " + 48 per candidate pair of memory in all");
}

void MinhashDedup::collect(const Document& document, std::string& record) const {
  thread_local Scratch scratch;
  normaliser_.normalise(document.text(), scratch.text);
  hash_shingles(split_again(scratch.text, config_.splitter, scratch), static_cast<std::size_t>(config_.shingle_words), scratch.shingles);
  if (scratch.shingles.empty()) return;
  minhash_minima(permutations_, scratch.shingles, scratch.minima);
  scratch.band_keys.clear();
  const std::uint64_t seed = config_.scope == DedupScope::source ? hash_string(document.source).low : 0;
  append_band_keys(scratch.minima, static_cast<std::size_t>(config_.rows), seed, scratch.band_keys);
  scratch.set.clear();
  if (config_.jaccard > 0) make_set(scratch.shingles, scratch.set, scratch.other);
  append_minhash_record(record, config_.keep == KeepRule::best ? keeping_score(document, config_.score) : 0, document.id, scratch.band_keys, scratch.set);
}

std::int64_t MinhashDedup::resolve_bytes(std::int64_t documents, std::int64_t, int ranks) const {
  std::int64_t earlier = 0;
  for (const SignatureStore& store : stores_) earlier += static_cast<std::int64_t>(store.records().size());
  constexpr std::int64_t kPairs = kFirst + kNearest;
  return (documents + earlier) * (8 * config_.bands + 48 + 48 * kPairs) / ranks + (1 << 20);
}

void MinhashDedup::resolve(const Collected& collected, std::span<RecordList> decisions) {
  const Corpus corpus(collected, stores_);
  std::int64_t candidates = 0;
  std::vector<Edge> edges = verified_pairs(corpus, candidate_pairs(corpus, bands_), bands_, config_.jaccard, candidates);
  const std::int64_t accepted = sum_over_ranks(corpus.group(), static_cast<std::int64_t>(edges.size()));
  const std::vector<Edge> stars = connected_components(corpus.group(), std::move(edges));
  const ClusterRules rules{.keep = config_.keep, .largest = config_.largest_cluster, .above_largest = config_.above_largest};
  const JudgedClusters judged = judge_clusters(corpus, members_of(corpus, stars, bands_), rules, config_.alarm_cluster);
  write_decisions(corpus, judged.verdicts, decisions);
  notes_.emplace_back("candidate_pairs", std::to_string(candidates));
  notes_.emplace_back("accepted_pairs", std::to_string(accepted));
  for (auto& note : cluster_notes(judged.counts)) notes_.push_back(std::move(note));
  if (judged.counts.alarms > 0) raise_alarm(corpus, judged);
  if (!config_.write_signatures.empty())
    write_store(config_.write_signatures, name(), parameters(), collected,
                [&](std::int64_t document) { return survives(judged.verdicts, corpus.earlier() + document); });
}

// Collective: names the first members of the largest cluster.
void MinhashDedup::raise_alarm(const Corpus& corpus, const JudgedClusters& judged) {
  constexpr std::size_t kExamples = 3;
  std::vector<std::pair<std::int64_t, std::string>> examples;
  for (const Verdict& verdict : judged.verdicts)
    if (verdict.cluster == judged.counts.largest_cluster && examples.size() < kExamples)
      examples.emplace_back(verdict.document, MinhashRecordView(corpus.record(verdict.document), bands_).id());
  RecordList mine;  // number, then id
  for (const auto& [document, id] : examples) mine.add(std::string(reinterpret_cast<const char*>(&document), sizeof document) + id);
  examples.clear();
  for (const std::string& bytes : parallel::all_gather_strings(corpus.group(), mine.bytes())) {
    const RecordListView theirs(bytes);
    for (std::size_t i = 0; i < theirs.size(); ++i) {
      std::int64_t document = 0;
      std::memcpy(&document, theirs[i].data(), sizeof document);
      examples.emplace_back(document, theirs[i].substr(sizeof document));
    }
  }
  std::sort(examples.begin(), examples.end());
  if (examples.size() > kExamples) examples.resize(kExamples);
  std::string ids;
  for (const auto& [document, id] : examples) ids += (ids.empty() ? "" : ", ") + id;
  const std::string alarm = std::to_string(judged.counts.alarms) + " clusters have " + std::to_string(config_.alarm_cluster) +
                            " members or more; the largest has " + std::to_string(judged.counts.largest) + ": " + ids + " ...";
  notes_.emplace_back("alarm", alarm);
  if (corpus.group().rank() == 0)
    log_warning(name() + ": " + alarm + " Look at them before trusting the result: boilerplate joins documents that are no copies of each other");
}

}  // namespace phidias::data::pipeline
