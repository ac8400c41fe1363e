#include "data/pipeline/dedup/corpus.h"

#include <algorithm>

#include "base/error.h"
#include "data/pipeline/dedup/exchange.h"

namespace phidias::data::pipeline {

void Corpus::add(std::int64_t first, const RecordListView& records, std::size_t begin, std::size_t end) {
  if (begin < end) local_.push_back({first, records, begin, end - begin});
}

Corpus::Corpus(const Collected& collected, std::span<const SignatureStore> stores) : collected_(&collected) {
  const auto rank = static_cast<std::size_t>(collected.group->rank()), ranks = static_cast<std::size_t>(collected.group->size());
  for (const SignatureStore& store : stores) {
    const RecordListView records = store.records();
    const std::size_t begin = records.size() * rank / ranks, end = records.size() * (rank + 1) / ranks;
    add(earlier_ + static_cast<std::int64_t>(begin), records, begin, end);
    earlier_ += static_cast<std::int64_t>(records.size());
  }
  for (const CollectedUnit& unit : collected.units) add(earlier_ + unit.first_document, unit.records, 0, unit.records.size());
  size_ = earlier_ + collected.documents;

  std::vector<Place> mine;
  mine.reserve(local_.size());
  for (const Run& run : local_) mine.push_back({run.first, static_cast<std::int64_t>(run.count), static_cast<std::int64_t>(rank)});
  places_ = gather_all<Place>(*collected.group, mine);
  std::sort(places_.begin(), places_.end(), [](const Place& a, const Place& b) { return a.first < b.first; });
  std::int64_t next = 0;
  for (const Place& place : places_) {
    if (place.first != next) break;
    next += place.documents;
  }
  if (next != size_)
    throw DataError("duplicates are looked for among " + std::to_string(size_) + " documents, but the units of all ranks hold document " +
                    std::to_string(next) + " not once");
}

int Corpus::rank_of(std::int64_t document) const {
  const auto after = std::upper_bound(places_.begin(), places_.end(), document, [](std::int64_t d, const Place& place) { return d < place.first; });
  return static_cast<int>((after - 1)->rank);
}

std::string_view Corpus::record(std::int64_t document) const {
  const auto after = std::upper_bound(local_.begin(), local_.end(), document, [](std::int64_t d, const Run& run) { return d < run.first; });
  const Run& run = *(after - 1);
  return run.records[run.begin + static_cast<std::size_t>(document - run.first)];
}

}  // namespace phidias::data::pipeline
