// Locality-sensitive hashing: pairs of documents whose signatures agree in a whole band, and the exact check of such pairs.
//
// A record (of a document with at least one shingle; others have an empty one), little endian:
//   score f64, length of id u64, band keys u64[bands], id, shingles u32[rest]: sorted, unique, the upper halves of the 64-bit hashes
// With 32 bits, two documents of n and m shingles share n m / 2^32 shingles by accident (1e-4 for two of 700).
//
// Documents with one key in a band form a bucket. In a bucket a document is paired with the first kFirst and the nearest kNearest before it: all pairs in a
// bucket of up to 5 documents, 8 pairs a document in any other, so that a bucket of a million costs 8 million checks and not 5e11.
#pragma once

#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "data/pipeline/dedup/connected_components.h"
#include "data/pipeline/dedup/corpus.h"

namespace phidias::data::pipeline {

constexpr std::size_t kFirst = 4, kNearest = 4;

void append_minhash_record(std::string& record, double score, std::string_view id, std::span<const std::uint64_t> band_keys,
                           std::span<const std::uint32_t> shingles);

class MinhashRecordView {
 public:
  // Throws DataError for bytes that are no record of so many bands.
  MinhashRecordView(std::string_view record, std::size_t bands);
  double score() const { return score_; }
  std::string_view id() const { return id_; }
  std::uint64_t band_key(std::size_t band) const {
    std::uint64_t key = 0;
    std::memcpy(&key, keys_ + band * sizeof key, sizeof key);
    return key;
  }
  std::string_view shingles() const { return shingles_; }

 private:
  double score_ = 0;
  std::string_view id_, shingles_;
  const char* keys_ = nullptr;
};

// Collective. (later document, earlier document), spread over ranks; a pair may stand on several. Pairs within the earlier dumps are left out.
std::vector<Edge> candidate_pairs(const Corpus& corpus, std::size_t bands);

// Collective. The candidates whose shingle sets have at least this Jaccard similarity, each once, on the rank of the later document. `distinct` receives
// the number of different candidates on all ranks. Shingles that lie on another rank are read from a file in the scratch directory.
std::vector<Edge> verified_pairs(const Corpus& corpus, std::vector<Edge> candidates, std::size_t bands, double jaccard, std::int64_t& distinct);

// |A and B| / |A or B| of two sorted lists of u32; 0 for two empty ones.
double jaccard_similarity(std::string_view a, std::string_view b);

}  // namespace phidias::data::pipeline
