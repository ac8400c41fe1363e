// Text as near-duplicate search sees it, in datatrove's definition (utils/text.py, simplify_text, without weekday and month names): lower case, numbers
// become 0, punctuation becomes a space, white space collapses, characters are decomposed (NFD) and non-spacing marks dropped. The words of the result are
// what lies between its white space (Python's str.split()), joined by single spaces.
//
//   NormalisedText text;
//   normaliser.normalise(document.text(), text);
//   text.view();                                      // "the 0 cafes of paris"
//   text.words(2, 3)                                  // "cafes of paris"
//
// ASCII is read byte by byte; other characters through tables that are built from ICU once per 256 code points. One difference to simplify_text: spacing
// marks (category Mc) that stand out of canonical order are not put in order.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace phidias::data::pipeline {

// Keys of the section `normalise`.
struct NormaliseSection {
  bool lowercase = true;
  bool numbers = true;
  bool punctuation = true;
  bool marks = true;
};

template <class Visitor>
void visit(NormaliseSection& s, Visitor& v) {
  v.field(s.lowercase, {.key = "lowercase", .doc = "compare in lower case"});
  v.field(s.numbers, {.key = "numbers", .doc = "every number is 0"});
  v.field(s.punctuation, {.key = "punctuation", .doc = "punctuation is a space"});
  v.field(s.marks, {.key = "marks", .doc = "accents and other non-spacing marks do not count"});
}

// Reused from text to text: keeps its memory.
struct NormalisedText {
  std::string buffer;  // the text is its first `size` bytes
  std::size_t size = 0;
  std::vector<std::size_t> starts;  // of the words

  std::string_view view() const { return {buffer.data(), size}; }
  // `count` words from word `first`, with the spaces between them.
  std::string_view words(std::size_t first, std::size_t count) const {
    const std::size_t end = first + count < starts.size() ? starts[first + count] - 1 : size;
    return {buffer.data() + starts[first], end - starts[first]};
  }
};

// Thread-safe.
class TextNormaliser {
 public:
  explicit TextNormaliser(const NormaliseSection& section = {});
  ~TextNormaliser();
  TextNormaliser(const TextNormaliser&) = delete;
  TextNormaliser& operator=(const TextNormaliser&) = delete;
  // `text` is valid UTF-8; anything else gives some text, never a read beyond it.
  void normalise(std::string_view text, NormalisedText& out) const;

 private:
  struct Block;
  enum Kind : std::uint8_t { copied, space, digit, other, sigma };
  const Block& block(std::uint32_t index) const;
  Block* build(std::uint32_t index) const;
  std::size_t skip_number(std::string_view text, std::size_t at) const;

  NormaliseSection section_;
  std::array<Kind, 256> kind_{};    // of a byte; other: begins a character beyond ASCII
  std::array<char, 256> mapped_{};  // of a copied byte
  mutable std::array<std::atomic<Block*>, 0x1100> blocks_{};
};

// cc_net's normalisation of a line (normalize_for_dedup): stripped, lower case, each digit is 0, typographic punctuation and control characters removed;
// ASCII punctuation and accents stay. Appends to `out`.
void append_cc_net_line(std::string_view line, std::string& out);

}  // namespace phidias::data::pipeline
