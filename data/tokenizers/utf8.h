// Small readers of valid UTF-8, and the character classes of the reference tokenizers.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace phidias::data {

inline bool is_continuation(char byte) { return (static_cast<unsigned char>(byte) & 0xC0) == 0x80; }

// Bytes of the character that starts with `lead`.
inline int utf8_length(char lead) {
  const auto byte = static_cast<unsigned char>(lead);
  return byte < 0x80 ? 1 : byte < 0xE0 ? 2 : byte < 0xF0 ? 3 : 4;
}

// The code point that starts at `text`; the text is valid UTF-8.
inline std::uint32_t decode_utf8(const char* text) {
  const auto byte = [text](int i) { return static_cast<std::uint32_t>(static_cast<unsigned char>(text[i])); };
  if (byte(0) < 0x80) return byte(0);
  if (byte(0) < 0xE0) return (byte(0) & 0x1F) << 6 | (byte(1) & 0x3F);
  if (byte(0) < 0xF0) return (byte(0) & 0x0F) << 12 | (byte(1) & 0x3F) << 6 | (byte(2) & 0x3F);
  return (byte(0) & 0x07) << 18 | (byte(1) & 0x3F) << 12 | (byte(2) & 0x3F) << 6 | (byte(3) & 0x3F);
}

// The code point that ends before `end`; there is one.
inline std::uint32_t decode_utf8_before(const char* end) {
  --end;
  while (is_continuation(*end)) --end;
  return decode_utf8(end);
}

void append_utf8(std::string& text, std::uint32_t code_point);

// Position of the first byte that is not valid UTF-8, or npos.
std::size_t find_invalid_utf8(std::string_view text);

// `bytes` as UTF-8, each maximal invalid run replaced by U+FFFD (as Rust's String::from_utf8_lossy).
std::string to_utf8_lossy(std::string_view bytes);

// Character classes as bits. Taken from Hugging Face tokenizers itself, code point by code point (tests/golden/make_unicode_classes.py):
// letters, marks, numbers and white space of its regular expressions, word characters of its `single_word` rule.
class CharacterClasses {
 public:
  enum : std::uint8_t {
    upper = 1,
    lower = 2,
    caseless = 4,
    mark = 8,
    number = 16,
    space = 32,
    word = 64,
    other = 128,  // neither letter nor number nor space; marks are among them
    letter = upper | lower | caseless,
  };
  static const CharacterClasses& get();
  std::uint8_t of(std::uint32_t code_point) const { return blocks_[block_of_[code_point >> 8] * 256u + (code_point & 0xFF)]; }
  // The first 256 entries.
  const std::uint8_t* latin() const { return blocks_.data(); }

 private:
  CharacterClasses();
  std::array<std::uint16_t, 0x1100> block_of_;
  std::vector<std::uint8_t> blocks_;
};

// The alphabet of byte-level BPE: GPT-2's printable stand-in for each byte.
struct ByteAlphabet {
  static const ByteAlphabet& get();
  // Bytes for a token spelled in the alphabet; false when a character is not in it.
  bool to_bytes(std::string_view token, std::string& bytes) const;
  std::string from_bytes(std::string_view bytes) const;

  std::array<std::uint32_t, 256> code_point;

 private:
  ByteAlphabet();
  std::array<std::int16_t, 512> byte_of_;
};

}  // namespace phidias::data
