#include "data/pipeline/icu_words.h"

#include <unicode/brkiter.h>
#include <unicode/utext.h>

#include <memory>
#include <string>

#include "base/error.h"
#include "data/pipeline/characters.h"
#include "data/tokenizers/utf8.h"

namespace phidias::data::pipeline {
namespace {

bool is_blank(std::string_view word) { return strip_left(word).empty(); }

// Properties of ASCII characters; those above are `foreign`.
enum : std::uint8_t { kLetter = 1, kDigit = 2, kUnderscore = 4, kBetweenLetters = 8, kBetweenDigits = 16, kSpace = 32, kForeign = 64 };

struct AsciiTable {
  std::array<std::uint8_t, 256> of{};
  AsciiTable() {
    for (int c = 0; c < 256; ++c) {
      if (c >= 128) {
        of[static_cast<std::size_t>(c)] = kForeign;
        continue;
      }
      std::uint8_t& entry = of[static_cast<std::size_t>(c)];
      if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '@') entry = kLetter;
      if (c >= '0' && c <= '9') entry = kDigit;
      if (c == '_') entry = kUnderscore;
      if (c == '.' || c == '\'') entry = kBetweenLetters | kBetweenDigits;
      if (c == ',' || c == ';') entry = kBetweenDigits;
      if (c == ' ' || (c >= 9 && c <= 13) || (c >= 0x1c && c <= 0x1f)) entry = kSpace;
    }
  }
};
const AsciiTable kAscii;

// One character of a piece under UAX 29, and how to look at its neighbours.
class Piece {
 public:
  Piece(const char* begin, const char* end) : begin_(begin), end_(end) {}

  // Appends the segments of the piece; false, and nothing appended, when a dictionary is needed.
  bool split(Words& words) const {
    const std::size_t before = words.size();
    const char* start = begin_;
    bool blank = true;  // only white space since `start`
    State state;
    for (const char* at = begin_; at < end_;) {
      const std::uint32_t c = decode_utf8(at);
      const WordBreak kind = characters_.word_break(c);
      if (kind == WordBreak::dictionary) {
        words.resize(before);
        return false;
      }
      const char* next = at + utf8_length(*at);
      if (at > begin_ && is_boundary(state, c, kind, next)) {
        if (!blank) words.emplace_back(start, static_cast<std::size_t>(at - start));
        start = at;
        blank = true;
      }
      blank = blank && characters_.is(c, Characters::space);
      state.advance(kind);
      at = next;
    }
    if (!blank) words.emplace_back(start, static_cast<std::size_t>(end_ - start));
    return true;
  }

 private:
  // What came before: the last character, and the last two that are not attached to another.
  struct State {
    WordBreak raw = WordBreak::other, last = WordBreak::other, before_last = WordBreak::other;
    bool odd_regionals = false;
    void advance(WordBreak kind) {
      raw = kind;
      if (kind == WordBreak::attached || kind == WordBreak::joiner) return;
      before_last = last;
      last = kind;
      odd_regionals = kind == WordBreak::regional && !odd_regionals;
    }
  };

  static bool is_letter(WordBreak kind) { return kind == WordBreak::letter || kind == WordBreak::hebrew; }
  static bool joins_letters(WordBreak kind) { return kind == WordBreak::mid_letter || kind == WordBreak::mid_both || kind == WordBreak::single_quote; }
  static bool joins_digits(WordBreak kind) { return kind == WordBreak::mid_number || kind == WordBreak::mid_both || kind == WordBreak::single_quote; }

  // The next character that is not attached.
  WordBreak kind_after(const char* at) const {
    for (; at < end_; at += utf8_length(*at)) {
      const WordBreak kind = characters_.word_break(decode_utf8(at));
      if (kind != WordBreak::attached && kind != WordBreak::joiner) return kind;
    }
    return WordBreak::other;
  }

  // Between what `state` has seen and the character c, after which `next` stands. Numbers: rules of UAX 29.
  bool is_boundary(const State& state, std::uint32_t c, WordBreak kind, const char* next) const {
    if (state.raw == WordBreak::newline || kind == WordBreak::newline) return true;                 // WB3a, 3b
    if (state.raw == WordBreak::joiner && characters_.is(c, Characters::pictograph)) return false;  // WB3c
    if (state.raw == WordBreak::space && kind == WordBreak::space) return false;                    // WB3d
    if (kind == WordBreak::attached || kind == WordBreak::joiner) return false;                     // WB4
    const WordBreak last = state.last;
    if (is_letter(last)) {
      if (is_letter(kind) || kind == WordBreak::numeric || kind == WordBreak::underscore) return false;                 // WB5, 9, 13a
      if (joins_letters(kind) && is_letter(kind_after(next))) return false;                                             // WB6
      if (last == WordBreak::hebrew && kind == WordBreak::single_quote) return false;                                   // WB7a
      return !(last == WordBreak::hebrew && kind == WordBreak::double_quote && kind_after(next) == WordBreak::hebrew);  // WB7b
    }
    if (last == WordBreak::numeric) {
      if (kind == WordBreak::numeric || is_letter(kind) || kind == WordBreak::underscore) return false;  // WB8, 10, 13a
      return !(joins_digits(kind) && kind_after(next) == WordBreak::numeric);                            // WB12
    }
    if (last == WordBreak::underscore) return !(kind == WordBreak::underscore || is_letter(kind) || kind == WordBreak::numeric);  // WB13a, 13b
    if (joins_letters(last) && is_letter(state.before_last) && is_letter(kind)) return false;                                     // WB7
    if (last == WordBreak::double_quote && state.before_last == WordBreak::hebrew && kind == WordBreak::hebrew) return false;     // WB7c
    if (joins_digits(last) && state.before_last == WordBreak::numeric && kind == WordBreak::numeric) return false;                // WB11
    return !(last == WordBreak::regional && kind == WordBreak::regional && state.odd_regionals);                                  // WB15, 16
  }

  const char *begin_, *end_;
  const Characters& characters_ = Characters::get();
};

// A word of ASCII letters, digits and underscores that begins at `at`; stops at `end` or at a foreign byte.
const char* end_of_ascii_word(const char* at, const char* end) {
  const auto kind = [](char c) { return kAscii.of[static_cast<unsigned char>(c)]; };
  for (;;) {
    while (at < end && (kind(*at) & (kLetter | kDigit | kUnderscore))) ++at;
    if (end - at < 2) return at;
    const std::uint8_t before = kind(at[-1]), mark = kind(*at), after = kind(at[1]);
    const bool joined =
        ((mark & kBetweenLetters) && (before & kLetter) && (after & kLetter)) || ((mark & kBetweenDigits) && (before & kDigit) && (after & kDigit));
    if (!joined) return at;
    ++at;
  }
}

// Characters that may belong to the white space before them.
bool may_be_carried(WordBreak first) {
  return first == WordBreak::attached || first == WordBreak::joiner || first == WordBreak::space || first == WordBreak::dictionary;
}

// Spaces hang together: those above ASCII before `at` as well.
const char* begin_of_spaces(const char* begin, const char* at) {
  while (at > begin && Characters::get().word_break(decode_utf8_before(at)) == WordBreak::space) {
    --at;
    while (is_continuation(*at)) --at;
  }
  return at;
}

}  // namespace

void append_words_of_break_iterator(std::string_view text, Words& words) {
  thread_local std::unique_ptr<icu::BreakIterator> breaks;
  UErrorCode status = U_ZERO_ERROR;
  if (!breaks) breaks.reset(icu::BreakIterator::createWordInstance(icu::Locale::getRoot(), status));
  UText opened = UTEXT_INITIALIZER;
  utext_openUTF8(&opened, text.data(), static_cast<std::int64_t>(text.size()), &status);
  if (U_SUCCESS(status)) breaks->setText(&opened, status);
  if (U_FAILURE(status)) throw DataError(std::string("ICU cannot split words: ") + u_errorName(status));
  std::int32_t begin = breaks->first();
  for (std::int32_t end = breaks->next(); end != icu::BreakIterator::DONE; begin = end, end = breaks->next()) {
    const std::string_view word = text.substr(static_cast<std::size_t>(begin), static_cast<std::size_t>(end - begin));
    if (!is_blank(word)) words.push_back(word);
  }
  utext_close(&opened);
}

void split_icu_words(std::string_view text, Words& words) {
  words.clear();
  const auto kind = [](char c) { return kAscii.of[static_cast<unsigned char>(c)]; };
  const char* const end = text.data() + text.size();
  for (const char* at = text.data(); at < end;) {
    const char* blanks = at;
    while (at < end && kind(*at) == kSpace) ++at;
    // A piece up to the next white space; ASCII alone is cut on the way.
    const std::size_t before = words.size();
    const char* piece = at;
    while (at < end && !(kind(*at) & (kSpace | kForeign))) {
      const char* word = at;
      at = kind(*at) & (kLetter | kDigit | kUnderscore) ? end_of_ascii_word(at, end) : at + 1;
      words.emplace_back(word, static_cast<std::size_t>(at - word));
    }
    if (at == end || kind(*at) == kSpace) continue;
    words.resize(before);
    while (at < end && kind(*at) != kSpace) ++at;
    if (may_be_carried(Characters::get().word_break(decode_utf8(piece)))) {
      blanks = begin_of_spaces(text.data(), blanks);
      append_words_of_break_iterator({blanks, static_cast<std::size_t>(at - blanks)}, words);
    } else if (!Piece(piece, at).split(words)) {
      append_words_of_break_iterator({piece, static_cast<std::size_t>(at - piece)}, words);
    }
  }
}

}  // namespace phidias::data::pipeline
