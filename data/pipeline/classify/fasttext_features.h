// What fastText sees of a text: the rows of the input matrix that are averaged.
//
// Tokens are runs between white-space bytes (space, tab, line ends, \v, \f, \0); a text is one line, so its line ends are spaces, and "</s>" follows it, as
// the fasttext tool has it for a line that ends in a newline. Known words give their row, with character n-grams their n-grams' too; then every run of up
// to word_ngrams tokens. N-grams are hashed: FNV-1a of 32 bits over *signed* bytes, words chained by h * 116049371 + next, modulo the buckets. A token that
// is or begins like a label is passed over; a literal "</s>" ends the text, as in the tool. Rows come in the tool's order: sums of floats depend on it.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "data/pipeline/classify/fasttext_file.h"

namespace phidias::data::pipeline {

std::uint32_t fasttext_hash(std::string_view text);

class FastTextFeatures {
 public:
  // Copies what it needs of the file.
  explicit FastTextFeatures(FastTextFile& file);
  // Replaces `rows`; `hashes` is scratch.
  void rows(std::string_view text, std::vector<std::int32_t>& rows, std::vector<std::uint32_t>& hashes) const;

 private:
  struct Slot {
    std::uint32_t hash = 0;
    std::int32_t id = -1;
  };
  struct Word {
    std::uint64_t begin = 0;
    std::uint32_t size = 0;
  };
  std::string_view word(std::int32_t id) const {
    const Word& at = words_[static_cast<std::size_t>(id)];
    return {characters_.data() + at.begin, at.size};
  }
  std::size_t slot_of(std::string_view token, std::uint32_t hash) const;
  bool add_token(std::string_view token, std::vector<std::int32_t>& rows, std::vector<std::uint32_t>& hashes) const;
  void add_bucket(std::uint32_t bucket, std::vector<std::int32_t>& rows) const;
  void add_character_ngrams(std::string_view token, std::vector<std::int32_t>& rows) const;
  void add_word_ngrams(const std::vector<std::uint32_t>& hashes, std::vector<std::int32_t>& rows) const;

  std::int32_t word_count_ = 0, word_ngrams_ = 1, shortest_ngram_ = 0, longest_ngram_ = 0;
  std::uint32_t bucket_ = 0;
  bool pruned_ = false;
  std::unordered_map<std::int32_t, std::int32_t> kept_buckets_;
  std::string characters_;   // of all dictionary entries, back to back
  std::vector<Word> words_;  // words, then labels
  std::vector<Slot> table_;  // open addressing, a power of two
  // With character n-grams: the rows of each known word, itself first.
  std::vector<std::int32_t> word_rows_;
  std::vector<std::uint64_t> word_rows_begin_;
};

}  // namespace phidias::data::pipeline
