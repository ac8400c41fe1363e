#include "data/pipeline/dedup/passage_dedup.h"

#include <xxhash.h>

#include <algorithm>
#include <cstring>

#include "base/error.h"
#include "base/hash.h"
#include "data/pipeline/dedup/exchange.h"
#include "data/pipeline/dedup/key_sort.h"
#include "data/pipeline/dedup/text_normaliser.h"
#include "data/tokenizers/utf8.h"

namespace phidias::data::pipeline {
namespace {

constexpr int kIndexBits = 24;  // of a place: document << 24 | passage
constexpr std::size_t kPassages = (std::size_t{1} << kIndexBits) - 1;

constexpr std::int64_t kBytesInMemory = 48;  // of a passage: three copies of an entry while it is exchanged or sorted

struct Entry {
  std::uint64_t key;
  std::int64_t place;
  bool operator<(const Entry& other) const { return key != other.key ? key < other.key : place < other.place; }
};

std::uint64_t key_at(std::string_view record, std::size_t index) {
  std::uint64_t key = 0;
  std::memcpy(&key, record.data() + index * sizeof key, sizeof key);
  return key;
}

std::size_t local_passages(const Corpus& corpus) {
  std::size_t passages = 0;
  corpus.for_each_local([&](std::int64_t, std::string_view record) { passages += record.size() / sizeof(std::uint64_t); });
  return passages;
}

std::vector<Entry> collected_entries(const Corpus& corpus, std::size_t passages) {
  std::vector<Entry> entries;
  entries.reserve(passages);
  corpus.for_each_local([&](std::int64_t document, std::string_view record) {
    for (std::size_t i = 0; i < record.size() / sizeof(std::uint64_t); ++i)
      entries.push_back({key_at(record, i), document << kIndexBits | static_cast<std::int64_t>(i)});
  });
  return entries;
}

// Places of second and later occurrences, at the rank of their document, rising.
std::vector<std::int64_t> repeated_places(const Corpus& corpus, std::vector<Entry> entries) {
  entries = exchange(corpus.group(), std::move(entries), [&](const Entry& entry) { return owner_of_key(entry.key, corpus.group().size()); });
  sort_by_key(entries);
  std::vector<std::int64_t> places;
  for (std::size_t i = 1; i < entries.size(); ++i)
    if (entries[i].key == entries[i - 1].key) places.push_back(entries[i].place);
  entries = {};
  places = exchange(corpus.group(), std::move(places), [&](std::int64_t place) { return corpus.rank_of(place >> kIndexBits); });
  std::sort(places.begin(), places.end());
  return places;
}

// At most as many as asked for are counted.
bool has_words(std::string_view text, std::int64_t minimum) {
  thread_local Words words;
  WordSplitter::of(SplitterKind::whitespace).split(text, words);
  return static_cast<std::int64_t>(words.size()) >= minimum;
}

}  // namespace

bool PassageDedup::counts(std::string_view passage) const {
  if (passage.empty()) return false;
  const auto characters = static_cast<std::int64_t>(std::count_if(passage.begin(), passage.end(), [](char byte) { return !is_continuation(byte); }));
  return characters >= config_.minimum_characters && (config_.minimum_words <= 1 || has_words(passage, config_.minimum_words));
}

void PassageDedup::collect(const Document& document, std::string& record) const {
  thread_local std::vector<TextPiece> passages;
  thread_local std::string normalised;
  split_(document.text(), passages);
  const std::uint64_t seed = config_.scope == DedupScope::source ? hash_string(document.source).low : 0;
  std::size_t counted = 0;
  for (const TextPiece& passage : passages) {
    if (!counts(passage.text)) continue;
    if (++counted > kPassages) break;
    std::string_view text = passage.text;
    if (config_.normalise == LineNormalisation::cc_net) {
      normalised.clear();
      append_cc_net_line(text, normalised);
      text = normalised;
    }
    const std::uint64_t key = XXH3_64bits_withSeed(text.data(), text.size(), seed);
    record.append(reinterpret_cast<const char*>(&key), sizeof key);
  }
}

std::int64_t PassageDedup::resolve_bytes(std::int64_t, std::int64_t bytes, int ranks) const {
  constexpr std::int64_t kBytesPerPassage = 40;  // a guess on the low side for lines of prose and code
  const std::int64_t length = std::max(kBytesPerPassage, std::max(config_.minimum_characters, 2 * config_.minimum_words));
  return bytes / length * kBytesInMemory / ranks + (1 << 20);
}

void PassageDedup::resolve(const Collected& collected, std::span<RecordList> decisions) {
  const Corpus corpus(collected, {});
  const std::size_t here = local_passages(corpus);
  const std::int64_t passages = sum_over_ranks(corpus.group(), static_cast<std::int64_t>(here));
  const std::int64_t needed = max_over_ranks(corpus.group(), static_cast<std::int64_t>(here)) * kBytesInMemory;
  if (memory_bytes_ > 0 && needed > memory_bytes_)
    throw ConfigError(name() + " needs " + std::to_string(needed) + " bytes of memory on one rank and may take " + std::to_string(memory_bytes_) +
                      " (work.memory_bytes); use more ranks, or count fewer passages with minimum_characters");
  const std::vector<std::int64_t> places = repeated_places(corpus, collected_entries(corpus, here));
  auto place = places.begin();
  std::string decision;
  for (std::size_t u = 0; u < collected.units.size(); ++u) {
    const CollectedUnit& unit = collected.units[u];
    for (std::size_t i = 0; i < unit.records.size(); ++i) {
      const std::int64_t document = unit.first_document + static_cast<std::int64_t>(i);
      decision.clear();
      for (; place != places.end() && *place >> kIndexBits == document; ++place) {
        const auto index = static_cast<std::uint32_t>(*place & static_cast<std::int64_t>(kPassages));
        decision.append(reinterpret_cast<const char*>(&index), sizeof index);
      }
      decisions[u].add(decision);
    }
  }
  notes_.emplace_back("passages", std::to_string(passages));
  notes_.emplace_back("removed", std::to_string(sum_over_ranks(corpus.group(), static_cast<std::int64_t>(places.size()))));
}

void PassageDedup::apply(Document& document, std::string_view decision) const {
  std::vector<TextPiece> passages;
  split_(document.text(), passages);
  std::string kept;
  std::size_t counted = 0, next = 0, removed = 0;
  const std::size_t removals = decision.size() / sizeof(std::uint32_t);
  for (const TextPiece& passage : passages) {
    std::uint32_t index = 0;
    if (next < removals) std::memcpy(&index, decision.data() + next * sizeof index, sizeof index);
    if (next < removals && counts(passage.text) && counted++ == index) {
      removed += passage.whole.size();
      ++next;
    } else {
      kept += passage.whole;
    }
  }
  if (next != removals) throw DataError(name() + ": the text of " + document.id + " is not the one that was compared");
  const double share = static_cast<double>(removed) / static_cast<double>(document.text().size());
  const bool nothing_left = kept.find_first_not_of(" \t\n\v\f\r") == std::string::npos;
  document.annotations().set(qualified("removed"), static_cast<double>(removals));
  document.annotations().set(qualified("removed_share"), share);
  document.set_text(std::move(kept));
  if (nothing_left) return document.drop("empty");
  if (share > config_.drop_above) document.drop("mostly_duplicate");
}

}  // namespace phidias::data::pipeline
