#include "data/pipeline/dedup/candidate_pairs.h"

#include <algorithm>

#include "base/atomic_file.h"
#include "base/error.h"
#include "data/pipeline/dedup/exchange.h"
#include "data/pipeline/dedup/key_sort.h"

namespace phidias::data::pipeline {
namespace {

struct BandEntry {
  std::uint64_t key;
  std::int64_t document;
  bool operator<(const BandEntry& other) const { return key != other.key ? key < other.key : document < other.document; }
};

void make_unique(std::vector<Edge>& edges) {
  std::sort(edges.begin(), edges.end());
  edges.erase(std::unique(edges.begin(), edges.end()), edges.end());
}

using Bucket = std::vector<BandEntry>::const_iterator;

void pair_bucket(Bucket begin, Bucket end, std::int64_t earlier, std::vector<Edge>& pairs) {
  const auto size = static_cast<std::size_t>(end - begin);
  const auto add = [&](std::size_t later, std::size_t before) {
    const std::int64_t high = begin[static_cast<std::ptrdiff_t>(later)].document;
    if (high >= earlier) pairs.push_back({high, begin[static_cast<std::ptrdiff_t>(before)].document});
  };
  for (std::size_t i = 1; i < size; ++i) {
    for (std::size_t j = 0; j < std::min(i, kFirst); ++j) add(i, j);
    for (std::size_t j = std::max(kFirst, i > kNearest ? i - kNearest : 0); j < i; ++j) add(i, j);
  }
}

// The shingles that other ranks asked this one for: documents, then a record list; and the reading of such a file.
class SharedShingles {
 public:
  static void write(const std::filesystem::path& path, const Corpus& corpus, std::span<const std::int64_t> documents, std::size_t bands) {
    AtomicFile file(path);
    const std::uint64_t count = documents.size();
    file.write(&count, sizeof count);
    file.write(documents.data(), documents.size_bytes());
    file.write(&count, sizeof count);
    const auto shingles = [&](std::int64_t document) { return MinhashRecordView(corpus.record(document), bands).shingles(); };
    std::uint64_t end = 0;
    std::vector<std::uint64_t> ends;
    for (const std::int64_t document : documents) ends.push_back(end += shingles(document).size());
    file.write(ends.data(), ends.size() * sizeof(std::uint64_t));
    for (const std::int64_t document : documents) file.write(shingles(document));
    file.commit();
  }
  explicit SharedShingles(const std::filesystem::path& path) : file_(path) {
    std::uint64_t count = 0;
    std::memcpy(&count, file_.data(), sizeof count);
    documents_ = {reinterpret_cast<const std::int64_t*>(file_.data() + sizeof count), static_cast<std::size_t>(count)};
    records_ = RecordListView(file_.text().substr(sizeof count + documents_.size_bytes()));
  }
  std::string_view of(std::int64_t document) const {
    const auto found = std::lower_bound(documents_.begin(), documents_.end(), document);
    return records_[static_cast<std::size_t>(found - documents_.begin())];
  }

 private:
  MappedFile file_;
  std::span<const std::int64_t> documents_;
  RecordListView records_;
};

std::filesystem::path shared_path(const Corpus& corpus, int rank) { return corpus.collected().scratch / ("shingles." + std::to_string(rank)); }

// Collective: the earlier documents of `pairs` that lie elsewhere, by rank.
std::vector<SharedShingles> share_shingles(const Corpus& corpus, std::span<const Edge> pairs, std::size_t bands) {
  parallel::Communicator& group = corpus.group();
  std::vector<std::int64_t> wanted;
  for (const Edge& pair : pairs)
    if (corpus.rank_of(pair.low) != group.rank()) wanted.push_back(pair.low);
  const auto make_unique_numbers = [](std::vector<std::int64_t>& numbers) {
    std::sort(numbers.begin(), numbers.end());
    numbers.erase(std::unique(numbers.begin(), numbers.end()), numbers.end());
  };
  make_unique_numbers(wanted);
  if (group.size() > 1) wanted = exchange(group, std::move(wanted), [&](std::int64_t document) { return corpus.rank_of(document); });
  make_unique_numbers(wanted);
  SharedShingles::write(shared_path(corpus, group.rank()), corpus, wanted, bands);
  group.barrier();
  std::vector<SharedShingles> shared;
  for (int rank = 0; rank < group.size(); ++rank) shared.emplace_back(shared_path(corpus, rank));
  return shared;
}

}  // namespace

void append_minhash_record(std::string& record, double score, std::string_view id, std::span<const std::uint64_t> band_keys,
                           std::span<const std::uint32_t> shingles) {
  const std::uint64_t length = id.size();
  record.append(reinterpret_cast<const char*>(&score), sizeof score);
  record.append(reinterpret_cast<const char*>(&length), sizeof length);
  record.append(reinterpret_cast<const char*>(band_keys.data()), band_keys.size_bytes());
  record += id;
  record.append(reinterpret_cast<const char*>(shingles.data()), shingles.size_bytes());
}

MinhashRecordView::MinhashRecordView(std::string_view record, std::size_t bands) {
  const std::size_t fixed = 16 + 8 * bands;
  std::uint64_t length = 0;
  if (record.size() >= fixed) std::memcpy(&length, record.data() + 8, sizeof length);
  if (record.size() < fixed || length > record.size() - fixed || (record.size() - fixed - length) % 4 != 0) throw DataError("a MinHash record is damaged");
  std::memcpy(&score_, record.data(), sizeof score_);
  keys_ = record.data() + 16;
  id_ = record.substr(fixed, static_cast<std::size_t>(length));
  shingles_ = record.substr(fixed + static_cast<std::size_t>(length));
}

std::vector<Edge> candidate_pairs(const Corpus& corpus, std::size_t bands) {
  std::vector<std::int64_t> documents;
  std::vector<std::uint64_t> keys;  // of all bands in one pass over the records: they may be larger than memory
  corpus.for_each_local([&](std::int64_t document, std::string_view record) {
    if (record.empty()) return;
    const MinhashRecordView view(record, bands);
    documents.push_back(document);
    for (std::size_t band = 0; band < bands; ++band) keys.push_back(view.band_key(band));
  });
  std::vector<Edge> pairs;
  std::size_t tidy_at = 1 << 16;
  for (std::size_t band = 0; band < bands; ++band) {
    std::vector<BandEntry> entries(documents.size());
    for (std::size_t i = 0; i < documents.size(); ++i) entries[i] = {keys[i * bands + band], documents[i]};
    entries = exchange(corpus.group(), std::move(entries), [&](const BandEntry& entry) { return owner_of_key(entry.key, corpus.group().size()); });
    sort_by_key(entries);
    for_each_run(
        entries, [](const BandEntry& a, const BandEntry& b) { return a.key == b.key; },
        [&](Bucket begin, Bucket end) { pair_bucket(begin, end, corpus.earlier(), pairs); });
    if (pairs.size() < tidy_at) continue;
    make_unique(pairs);
    tidy_at = std::max(tidy_at, 2 * pairs.size());
  }
  make_unique(pairs);
  return pairs;
}

double jaccard_similarity(std::string_view a, std::string_view b) {
  const std::size_t n = a.size() / 4, m = b.size() / 4;
  const auto at = [](std::string_view list, std::size_t i) {
    std::uint32_t value = 0;
    std::memcpy(&value, list.data() + 4 * i, sizeof value);
    return value;
  };
  std::size_t shared = 0;
  for (std::size_t i = 0, j = 0; i < n && j < m;) {
    const std::uint32_t x = at(a, i), y = at(b, j);
    shared += x == y;
    i += x <= y;
    j += y <= x;
  }
  return n + m == 0 ? 0 : static_cast<double>(shared) / static_cast<double>(n + m - shared);
}

std::vector<Edge> verified_pairs(const Corpus& corpus, std::vector<Edge> candidates, std::size_t bands, double jaccard, std::int64_t& distinct) {
  const int here = corpus.group().rank();
  candidates = exchange(corpus.group(), std::move(candidates), [&](const Edge& pair) { return corpus.rank_of(pair.high); });
  make_unique(candidates);
  distinct = sum_over_ranks(corpus.group(), static_cast<std::int64_t>(candidates.size()));
  if (jaccard <= 0) return candidates;
  const std::vector<SharedShingles> shared = share_shingles(corpus, candidates, bands);
  const auto shingles = [&](std::int64_t document) {
    const int rank = corpus.rank_of(document);
    return rank == here ? MinhashRecordView(corpus.record(document), bands).shingles() : shared[static_cast<std::size_t>(rank)].of(document);
  };
  std::erase_if(candidates, [&](const Edge& pair) {
    const std::string_view a = shingles(pair.high), b = shingles(pair.low);
    const auto smaller = static_cast<double>(std::min(a.size(), b.size())), larger = static_cast<double>(std::max(a.size(), b.size()));
    return smaller < jaccard * larger || jaccard_similarity(a, b) < jaccard;  // |A and B| / |A or B| <= smaller / larger
  });
  return candidates;
}

}  // namespace phidias::data::pipeline
