// Byte-pair encoding of one word, and of a run of text that needs no word pattern.
//
// The result is that of Hugging Face's BPE: start from characters (or bytes), merge the adjacent pair of lowest rank, leftmost on ties, until
// no rule applies. Short words scan an array; long ones use a heap over a linked list: n log n for words of any length.
//
// Text is "canonical": where the normalizer replaces " " by U+2581, the model is told so and takes a plain space for the mark (a bijection,
// since no space is left after the replacement), so that text is encoded as it stands.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "data/tokenizers/definition.h"

namespace phidias::data {

struct Symbol {
  std::int32_t id;
  std::uint32_t length;  // bytes of canonical text; 0 for a further byte of a character that is shorter in canonical text
};

// Memory of one merge, reused from word to word.
struct MergeScratch {
  std::vector<Symbol> symbols;  // in and out
  std::vector<std::uint64_t> heap;
  std::vector<std::int32_t> previous, next;
  std::vector<std::uint64_t> pair;  // rank and result of the pair that starts at a symbol
};

class BpeModel {
 public:
  // Throws DataError when a symbol the rules need is missing from the vocabulary.
  explicit BpeModel(const TokenizerDefinition& definition);

  // Leaves the word's symbols in scratch.symbols.
  void encode_word(std::string_view word, MergeScratch& scratch) const;

  // End of the word that starts at `begin`: the next place which no rule can merge across. Encoding text word by word equals encoding it
  // whole. `text` must be readable for one byte past its end.
  const char* word_end(const char* begin, const char* end) const;
  // False when places must not be cut at all (characters without a symbol that fuse or vanish): the text is one word.
  bool can_cut() const { return can_cut_; }

  // The bytes of canonical text that `id` stands for wherever the model emits it; 0 when that depends on the text.
  std::uint32_t length_of(std::int32_t id) const { return lengths_[id]; }
  // The id of a word that is one ASCII character, or -1.
  std::int32_t ascii_symbol(unsigned char byte) const { return ascii_symbols_[byte]; }

 private:
  static constexpr std::uint64_t kNoPair = ~std::uint64_t{0};
  struct PairEntry {
    std::uint64_t key;    // left << 32 | right
    std::uint64_t value;  // rank << 32 | result
  };

  void build_symbols(std::string_view word, MergeScratch& scratch) const;
  void merge_short(std::vector<Symbol>& symbols, MergeScratch& scratch) const;
  void merge_long(std::vector<Symbol>& symbols, MergeScratch& scratch) const;
  std::uint64_t pair(std::int32_t left, std::int32_t right) const;
  void insert_pair(const MergeRule& rule);
  std::int32_t symbol_of(std::uint32_t code_point) const;
  void set_symbol(std::uint32_t code_point, std::int32_t id);
  bool joins(std::uint32_t left, std::uint32_t right) const;
  void set_joins(std::uint32_t left, std::uint32_t right);
  static std::uint32_t joins_bucket(std::uint32_t left, std::uint32_t right);

  bool byte_level_, byte_fallback_, fuse_unk_, ignore_merges_, can_cut_ = true;
  bool mark_is_space_;
  std::int32_t unk_ = -1;
  std::vector<PairEntry> pairs_;
  int pairs_shift_ = 0;
  std::vector<std::int32_t> symbol_pages_;  // by code point, pages of 256
  std::vector<std::int32_t> page_of_;
  std::int32_t ascii_symbols_[256];         // byte-level: all bytes
  std::int32_t byte_tokens_[256];           // <0x00>..<0xFF>
  std::uint64_t ascii_joins_[128][2] = {};  // [left]: may some rule join `left` at its left's end with `right` at its right's start?
  std::vector<std::uint64_t> other_joins_;  // the same for other code points, by hash: a collision only keeps words longer
  std::vector<std::uint32_t> lengths_;
  std::unordered_map<std::string, std::int32_t> whole_words_;  // with ignore_merges
};

}  // namespace phidias::data
