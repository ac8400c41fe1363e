// The regular expressions that cut text into words before byte-level BPE, as hand-written scanners.
//
//   gpt2     's|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+
//   cl100k   (?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+
//   o200k    see find_word_pattern; words also break between lower and upper case
//
// Each function returns the end of the word that starts at `at` (at < end, valid UTF-8). Words cover the text without gaps. They equal the
// regular expressions under PCRE2 (tests/data/tokenizers/word_patterns_test.cpp) and under the reference's engine (golden ids).
#pragma once

#include <optional>
#include <string_view>

#include "data/tokenizers/definition.h"
#include "data/tokenizers/utf8.h"

namespace phidias::data {

// The pattern a regular expression of a tokenizer.json spells, or nothing when it is none of the three.
std::optional<WordPattern> find_word_pattern(std::string_view regex);

class WordScanner {
 public:
  using Class = CharacterClasses;
  explicit WordScanner(const char* end) : classes_(CharacterClasses::get()), latin_(classes_.latin()), end_(end) {}

  template <WordPattern pattern>
  const char* word_end(const char* at) const {
    if constexpr (pattern == WordPattern::gpt2) return gpt2(at);
    if constexpr (pattern == WordPattern::cl100k) return cl100k(at);
    if constexpr (pattern == WordPattern::o200k) return o200k(at);
    return end_;
  }

 private:
  std::uint8_t bits(const char* at) const {
    const auto byte = static_cast<unsigned char>(*at);
    return byte < 0x80 ? latin_[byte] : classes_.of(decode_utf8(at));
  }
  bool is(const char* at, std::uint8_t mask) const { return at < end_ && (bits(at) & mask); }
  const char* run(const char* at, std::uint8_t mask) const {
    while (at < end_) {
      const auto byte = static_cast<unsigned char>(*at);
      if (byte < 0x80) {
        if (!(latin_[byte] & mask)) return at;
        ++at;
      } else {
        if (!(classes_.of(decode_utf8(at)) & mask)) return at;
        at += utf8_length(*at);
      }
    }
    return at;
  }
  const char* run_of(const char* at, char a, char b, char c) const {
    while (at < end_ && (*at == a || *at == b || *at == c)) ++at;
    return at;
  }

  // Length of s, t, re, ve, m, ll, d at `at`, or 0. Without case, U+017F (long s) is an s.
  int contraction(const char* at, bool ignore_case) const {
    if (at >= end_) return 0;
    const auto letter = [&](const char* p) -> char { return ignore_case && *p >= 'A' && *p <= 'Z' ? static_cast<char>(*p | 0x20) : *p; };
    const char first = letter(at);
    if (first == 's' || first == 't' || first == 'm' || first == 'd') return 1;
    if (at + 1 >= end_) return 0;
    if (ignore_case && at[0] == '\xC5' && at[1] == '\xBF') return 2;
    const char second = letter(at + 1);
    return (second == 'e' && (first == 'r' || first == 'v')) || (first == 'l' && second == 'l') ? 2 : 0;
  }

  // \s*[\r\n]+ (with `newlines`), then \s+(?!\S), then \s+
  const char* spaces(const char* at, bool newlines) const {
    const char *last = at, *after_newline = nullptr;
    const char* p = at;
    while (is(p, Class::space)) {
      last = p;
      p += utf8_length(*p);
      if (*last == '\n' || *last == '\r') after_newline = p;
    }
    if (newlines && after_newline) return after_newline;
    return p == end_ || last == at ? p : last;
  }

  const char* gpt2(const char* at) const {
    if (*at == '\'') {
      if (const int length = contraction(at + 1, false)) return at + 1 + length;
    }
    const char* first = *at == ' ' && at + 1 < end_ ? at + 1 : at;
    const std::uint8_t kind = bits(first);
    if (kind & Class::letter) return run(first, Class::letter);
    if (kind & Class::number) return run(first, Class::number);
    if (kind & Class::other) return run(first, Class::other);
    return spaces(at, false);
  }

  const char* digits(const char* at) const {
    for (int count = 0; count < 3 && is(at, Class::number); ++count) at += utf8_length(*at);
    return at;
  }

  const char* cl100k(const char* at) const {
    const std::uint8_t kind = bits(at);
    const char* after = at + utf8_length(*at);
    if (kind & Class::letter) return run(after, Class::letter);
    if (kind & Class::number) return digits(at);
    if (*at == '\'') {
      if (const int length = contraction(after, true)) return after + length;
    }
    if (*at != '\n' && *at != '\r' && is(after, Class::letter)) return run(after, Class::letter);
    if (kind & Class::other) return run_of(run(after, Class::other), '\r', '\n', '\n');
    if (*at == ' ' && is(after, Class::other)) return run_of(run(after, Class::other), '\r', '\n', '\n');
    return spaces(at, true);
  }

  // [\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+ at `at`: its end, or null. The star gives back as little as it can.
  const char* lower_word(const char* at) const {
    constexpr std::uint8_t kHead = Class::upper | Class::caseless | Class::mark, kTail = Class::lower | Class::caseless | Class::mark;
    const char* after_both = nullptr;
    const char* p = at;
    for (std::uint8_t kind; p < end_ && ((kind = bits(p)) & kHead);) {
      p += utf8_length(*p);
      if (kind & kTail) after_both = p;
    }
    const char* tail = run(p, kTail);
    return tail != p ? tail : after_both;
  }
  // [\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*
  const char* upper_word(const char* at) const {
    const char* p = run(at, Class::upper | Class::caseless | Class::mark);
    return p == at ? nullptr : run(p, Class::lower | Class::caseless | Class::mark);
  }

  const char* o200k(const char* at) const {
    const std::uint8_t kind = bits(at);
    const char* after = at + utf8_length(*at);
    if (kind & Class::number) return digits(at);
    const bool may_lead = !(kind & Class::letter) && *at != '\n' && *at != '\r';
    const char* end = may_lead ? lower_word(after) : nullptr;
    if (!end) end = lower_word(at);
    if (!end && may_lead) end = upper_word(after);
    if (!end) end = upper_word(at);
    if (end) {
      if (end < end_ && *end == '\'') {
        if (const int length = contraction(end + 1, true)) return end + 1 + length;
      }
      return end;
    }
    if (kind & Class::other) return run_of(run(after, Class::other), '\r', '\n', '/');
    if (*at == ' ' && is(after, Class::other)) return run_of(run(after, Class::other), '\r', '\n', '/');
    return spaces(at, true);
  }

  const CharacterClasses& classes_;
  const std::uint8_t* latin_;
  const char* end_;
};

}  // namespace phidias::data
