// Repeated word n-grams of a document, as the two families of Gopher rules count them.
//
//   RepeatedNgrams ngrams;
//   ngrams.reset(text, words);
//   ngrams.top(3)            // characters of the most frequent trigram, times its count
//   ngrams.duplicated(5)     // characters in repeated 5-grams
//
// datatrove's definitions (gopher_repetition_filter.py). top: n-grams are joined by single spaces, the first seen wins among equals, a count of one counts.
// duplicated: n-grams are joined without anything ("a bc" is "ab c"), the text is scanned from the left, and a repeated n-gram is jumped over.
// Exact: n-grams are compared, never only their hashes. Characters are code points.
//
// Cost: a bigram can only repeat where both words do, a trigram only where both bigrams do, so the tables of top() shrink with n. duplicated() looks only at
// positions whose first bytes (as many as the shortest n-gram has, 32 at most) start an n-gram elsewhere as well.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "data/pipeline/quality/string_table.h"
#include "data/pipeline/words.h"

namespace phidias::data::pipeline {

enum class NgramCover { skip, all };

class RepeatedNgrams {
 public:
  // `words` are views into `text`; both stay as they are until the next reset.
  void reset(std::string_view text, const Words& words);

  // 0 when the text has fewer than n words. Call with rising n, 2 at least, and before duplicated(). `spaces`: joining spaces are characters as well.
  std::size_t top(std::size_t n, bool spaces);
  // skip: as above. all: every word that stands in an n-gram seen twice or more, its first place too (Dolma, DCLM, RedPajama-V2). Call with rising n.
  std::size_t duplicated(std::size_t n, NgramCover cover);
  // Characters of all words.
  std::size_t word_characters() const { return characters_.empty() ? 0 : characters_.back(); }

 private:
  static constexpr std::size_t kLongestBeginning = 32;
  static constexpr std::uint32_t kUnique = 0;  // id of what stands once; the others count from 1
  struct Pair {
    std::uint64_t key;
    std::uint32_t id;
  };
  struct Gram {
    std::uint32_t first, count;  // word it begins with where it is first seen
  };

  void raise_level();
  void find_candidates(std::size_t n);
  std::uint32_t add_pair(std::uint64_t key, std::uint32_t position);
  // Index into grams_ of the n-gram at `position`, new or seen.
  std::uint32_t add_joined(std::uint32_t position, std::size_t n);
  std::size_t characters_between(std::size_t first, std::size_t last) const { return characters_[last] - characters_[first]; }
  std::size_t duplicated_skipping(std::size_t n);
  std::size_t duplicated_everywhere(std::size_t n);
  void clear_slots(std::size_t entries);

  std::size_t words_ = 0, level_ = 1, beginning_ = 0;
  StringTable table_;
  std::vector<std::uint32_t> ids_;      // of the n-gram that begins at each word, n = level_; kUnique: it stands once
  std::vector<std::uint8_t> repeated_;  // by id: 1 when seen twice or more
  std::vector<std::uint32_t> places_;   // where n-grams begin that may repeat, and their two halves
  std::vector<std::uint64_t> keys_;
  std::vector<Gram> grams_;
  std::vector<Pair> pairs_;  // free: id kUnique
  std::size_t mask_ = 0;

  std::string joined_;                     // the words without anything between them, and 32 bytes behind
  std::vector<std::uint32_t> offsets_;     // of each word in joined_, and its end
  std::vector<std::uint32_t> characters_;  // code points before each word, and of all
  std::vector<std::uint32_t> candidates_;  // positions whose n-gram may stand elsewhere, rising
  std::vector<std::uint32_t> hashes_;      // of the beginnings of n-grams
  std::vector<std::uint8_t> beginnings_;   // by hash: 0, 1, or 2 for more
  std::vector<std::uint32_t> slots_;       // index into grams_ + 1; 0: free
};

}  // namespace phidias::data::pipeline
