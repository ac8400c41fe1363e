// A fastText model file (.bin, .ftz), read with every size checked against the bytes that are there.
//
// The library believes what a file says about itself: a cut or forged one makes it read without end, allocate without bound or write beyond its tables.
// This reader is what a model file goes through instead. Layout (fastText 0.9.2: Args, Dictionary, DenseMatrix, QuantMatrix, ProductQuantizer), all little
// endian: magic 793712314, version 12 (or 11); 12 int32 and a double of settings; the dictionary (words, then labels; kept n-gram buckets of a pruned
// model); input matrix (rows: words, then buckets); output matrix (a row per label). Either matrix is float32 or product-quantised.
//
//   const FastTextFile file = read_fasttext_file(mapped.text(), path);
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace phidias::data::pipeline {

enum class FastTextLoss : std::int32_t { hierarchical_softmax = 1, negative_sampling, softmax, one_versus_all };

// Rows as codes of 8 bits per part of `part` columns; a row may be scaled by a norm of its own, coded as well.
struct QuantisedMatrix {
  const std::uint8_t* codes = nullptr;       // rows x parts
  const std::uint8_t* norm_codes = nullptr;  // null: rows are not scaled
  std::int32_t parts = 0, part = 0, last_part = 0;
  std::vector<float> centroids;       // 256 per part
  std::vector<float> norm_centroids;  // 256
  // Columns [index * part, ...) of a row with this code.
  const float* centroid(std::int32_t index, std::uint8_t code) const {
    const std::size_t begin = static_cast<std::size_t>(index) * 256 * static_cast<std::size_t>(part);
    return centroids.data() + begin + static_cast<std::size_t>(code) * static_cast<std::size_t>(index + 1 == parts ? last_part : part);
  }
};

struct FastTextMatrix {
  std::int64_t rows = 0, columns = 0;
  bool quantised = false;
  const char* dense = nullptr;  // rows x columns float32, not aligned
  QuantisedMatrix codes;
};

// Views into the bytes it was read from.
struct FastTextFile {
  std::int32_t dimension = 0, word_ngrams = 1, bucket = 0;
  std::int32_t shortest_ngram = 0, longest_ngram = 0;  // of characters; longest 0: none
  FastTextLoss loss = FastTextLoss::softmax;
  std::vector<std::string_view> words, labels;
  std::vector<std::int64_t> label_counts;
  bool pruned = false;                                          // only the buckets below are there
  std::unordered_map<std::int32_t, std::int32_t> kept_buckets;  // bucket -> row behind the words
  FastTextMatrix input, output;
};

// Throws DataError naming `name`: not a fastText classifier, a version that nobody writes, or sizes that do not fit.
FastTextFile read_fasttext_file(std::string_view bytes, const std::string& name);

}  // namespace phidias::data::pipeline
