// What a character is, as the rules of other tools see it: one table look-up instead of calls into Unicode libraries.
//
//   const Characters& characters = Characters::get();
//   if (characters.is(code_point, Characters::space)) ...
//
// space, alpha and word are Python's str.isspace(), str.isalpha() and the regular expression \w, symbol and terminal are datatrove's PUNCTUATION_SET and
// TERMINAL_PUNCTUATION (utils/text.py), line_end is where str.splitlines() cuts. Classes come from ICU (Unicode 15), not from Python's older table.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>
#include <vector>

namespace phidias::data::pipeline {

// Property Word_Break of UAX 29 as ICU's root rules use it. `dictionary`: ICU divides runs of these with a word list.
enum class WordBreak : std::uint8_t {
  other,
  letter,
  hebrew,
  numeric,
  underscore,  // ExtendNumLet
  mid_letter,
  mid_number,
  mid_both,  // MidNumLet
  single_quote,
  double_quote,
  newline,
  space,     // WSegSpace
  attached,  // Extend, Format
  joiner,    // ZWJ
  regional,
  dictionary,
};

class Characters {
 public:
  enum : std::uint8_t { space = 1, word = 2, alpha = 4, symbol = 8, terminal = 16, line_end = 32, upper = 64, pictograph = 128 };
  static const Characters& get();

  std::uint8_t of(std::uint32_t code_point) const { return kinds_[block_of_[code_point >> 8] * 256u + (code_point & 0xFF)]; }
  bool is(std::uint32_t code_point, std::uint8_t kinds) const { return (of(code_point) & kinds) != 0; }
  WordBreak word_break(std::uint32_t code_point) const { return breaks_[block_of_[code_point >> 8] * 256u + (code_point & 0xFF)]; }
  // of() for the code points below 128.
  const std::uint8_t* ascii() const { return kinds_.data(); }
  // Lead bytes (UTF-8) with which a character of that kind may start, and ASCII characters of it.
  bool may_start(std::uint8_t byte, std::uint8_t kinds) const { return (lead_[byte] & kinds) != 0; }

 private:
  Characters();
  std::array<std::uint16_t, 0x1100> block_of_;
  std::vector<std::uint8_t> kinds_;
  std::vector<WordBreak> breaks_;
  std::array<std::uint8_t, 256> lead_{};
};

// Code points in valid UTF-8.
std::size_t count_characters(std::string_view text);
bool is_ascii(std::string_view text);
// Neither white space nor part of a character above ASCII.
inline bool is_plain_mark(char byte) { return static_cast<unsigned char>(byte) > ' ' && static_cast<unsigned char>(byte) < 0x80; }
// Without white space (str.strip()) at both ends, or at one.
std::string_view strip_spaces_left(std::string_view text);
std::string_view strip_spaces_right(std::string_view text);
inline std::string_view strip_left(std::string_view text) { return !text.empty() && is_plain_mark(text.front()) ? text : strip_spaces_left(text); }
inline std::string_view strip_right(std::string_view text) { return !text.empty() && is_plain_mark(text.back()) ? text : strip_spaces_right(text); }
inline std::string_view strip(std::string_view text) { return strip_right(strip_left(text)); }

}  // namespace phidias::data::pipeline
