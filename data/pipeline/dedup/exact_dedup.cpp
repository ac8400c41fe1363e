#include "data/pipeline/dedup/exact_dedup.h"

#include <algorithm>
#include <cstring>

#include "base/error.h"
#include "base/hash.h"
#include "data/pipeline/dedup/exchange.h"
#include "data/pipeline/dedup/key_sort.h"

namespace phidias::data::pipeline {
namespace {

struct Record {
  Hash128 key;
  double score;
};

struct Entry {
  std::uint64_t key, low;
  std::int64_t document;
  double score;
  bool operator<(const Entry& other) const {
    if (key != other.key) return key < other.key;
    return low != other.low ? low < other.low : document < other.document;
  }
};

Record record_from(std::string_view bytes) {
  Record record{};
  if (bytes.size() != sizeof record) throw DataError("an exact_dedup record is damaged");
  std::memcpy(&record, bytes.data(), sizeof record);
  return record;
}

using Entries = std::vector<Entry>::const_iterator;

// Members of clusters of two or more, on the rank that owns their key.
std::vector<ClusterMember> equal_documents(const Corpus& corpus) {
  std::vector<Entry> entries;
  entries.reserve(static_cast<std::size_t>(corpus.size() / corpus.group().size()));
  corpus.for_each_local([&](std::int64_t document, std::string_view bytes) {
    if (bytes.empty()) return;
    const Record record = record_from(bytes);
    entries.push_back({record.key.high, record.key.low, document, record.score});
  });
  entries = exchange(corpus.group(), std::move(entries), [&](const Entry& entry) { return owner_of_key(entry.key, corpus.group().size()); });
  sort_by_key(entries);
  std::vector<ClusterMember> members;
  for_each_run(
      entries, [](const Entry& a, const Entry& b) { return a.key == b.key && a.low == b.low; },
      [&](Entries begin, Entries end) {
        if (end - begin < 2) return;
        for (Entries entry = begin; entry != end; ++entry) members.push_back({begin->document, entry->document, entry->score});
      });
  return members;
}

}  // namespace

void check_survivor_keys(const std::string& stage, KeepRule keep, const std::string& score, const std::string& write_signatures,
                         const std::vector<std::string>& against) {
  if ((keep == KeepRule::best) == score.empty()) throw ConfigError(stage + ": keep: best and score: ANNOTATION go together");
  for (const std::string& directory : against)
    if (!write_signatures.empty() && std::filesystem::path(directory).lexically_normal() == std::filesystem::path(write_signatures).lexically_normal())
      throw ConfigError(stage + ": write_signatures and against both name " + directory + ", so a second run would find every document in its own signatures");
}

std::vector<std::filesystem::path> store_paths(const std::vector<std::string>& directories, const std::string& stage) {
  std::vector<std::filesystem::path> paths;
  for (const std::string& directory : directories) paths.push_back(store_path(directory, stage));
  return paths;
}

ExactDedup::ExactDedup(const Config& config, const StageSetup& setup) : CollectiveStage(setup), config_(config), normaliser_(config.normalise) {
  check_survivor_keys(name(), config_.keep, config_.score, config_.write_signatures, config_.against);
  stores_ = open_stores(config_.against, name(), parameters());
  notes_ = {{"bytes_per_document", "24 on disk, 64 to 144 of memory in all"}};
}

ExactDedup::~ExactDedup() = default;

std::vector<std::filesystem::path> ExactDedup::resources() const { return store_paths(config_.against, name()); }

std::string ExactDedup::parameters() const {
  const auto on = [](bool value) { return value ? "1" : "0"; };
  std::string text = std::string("exact by ") + std::string(configs::enum_names<ExactKey>[static_cast<std::size_t>(config_.by)]) + ", scope " +
                     std::string(configs::enum_names<DedupScope>[static_cast<std::size_t>(config_.scope)]);
  if (config_.by == ExactKey::normalised_text)
    text += std::string(", normalise ") + on(config_.normalise.lowercase) + on(config_.normalise.numbers) + on(config_.normalise.punctuation) +
            on(config_.normalise.marks);
  return text;
}

void ExactDedup::collect(const Document& document, std::string& bytes) const {
  thread_local NormalisedText normalised;
  Record record{};
  switch (config_.by) {
    case ExactKey::text:
      record.key = hash_string(document.text());
      break;
    case ExactKey::url:
      if (document.url.empty()) return;
      record.key = hash_string(document.url);
      break;
    case ExactKey::normalised_text:
      normaliser_.normalise(document.text(), normalised);
      record.key = hash_string(normalised.view());
  }
  if (config_.scope == DedupScope::source) {
    const Hash128 source = hash_string(document.source);
    record.key = {record.key.high ^ source.high, record.key.low + source.low};
  }
  record.score = config_.keep == KeepRule::best ? keeping_score(document, config_.score) : 0;
  bytes.append(reinterpret_cast<const char*>(&record), sizeof record);
}

std::int64_t ExactDedup::resolve_bytes(std::int64_t documents, std::int64_t, int ranks) const {
  std::int64_t earlier = 0;
  for (const SignatureStore& store : stores_) earlier += static_cast<std::int64_t>(store.records().size());
  constexpr std::int64_t kBytes = 144;  // members and verdicts with the slack of growing, if every document has a copy
  return (documents + earlier) * kBytes / ranks + (1 << 20);
}

void ExactDedup::resolve(const Collected& collected, std::span<RecordList> decisions) {
  const Corpus corpus(collected, stores_);
  const JudgedClusters judged = judge_clusters(corpus, equal_documents(corpus), {.keep = config_.keep}, 0);
  write_decisions(corpus, judged.verdicts, decisions);
  for (auto& note : cluster_notes(judged.counts)) notes_.push_back(std::move(note));
  if (!config_.write_signatures.empty())
    write_store(config_.write_signatures, name(), parameters(), collected,
                [&](std::int64_t document) { return survives(judged.verdicts, corpus.earlier() + document); });
}

}  // namespace phidias::data::pipeline
