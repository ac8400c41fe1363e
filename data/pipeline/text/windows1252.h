// The characters of Latin-1 and Windows-1252 as code points and bytes; what mojibake.h's rules are made of.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <string_view>

#include "data/tokenizers/utf8.h"

namespace phidias::data::pipeline {

using CodePoint = std::uint32_t;

// What Windows-1252 has at 80..9F; bytes that it leaves undefined stand for themselves.
inline constexpr std::array<CodePoint, 32> kWindows1252 = {0x20AC, 0x81,   0x201A, 0x192,  0x201E, 0x2026, 0x2020, 0x2021, 0x2C6,  0x2030, 0x160,
                                                           0x2039, 0x152,  0x8D,   0x17D,  0x8F,   0x90,   0x2018, 0x2019, 0x201C, 0x201D, 0x2022,
                                                           0x2013, 0x2014, 0x2DC,  0x2122, 0x161,  0x203A, 0x153,  0x9D,   0x17E,  0x178};
inline constexpr CodePoint kReplacement = 0xFFFD;
inline constexpr char kLost = 0x1A;  // a byte of which only U+FFFD is left

// -1: not a character of the encoding.
inline int latin1_byte(CodePoint c) { return c < 0x100 ? static_cast<int>(c) : -1; }
inline int windows1252_byte(CodePoint c) {
  if (c < 0x80 || (c >= 0xA0 && c < 0x100)) return c == kLost ? -1 : static_cast<int>(c);
  if (c == kReplacement) return kLost;
  const auto* found = std::ranges::find(kWindows1252, c);
  return found == kWindows1252.end() ? -1 : 0x80 + static_cast<int>(found - kWindows1252.begin());
}

// The code point at `at`, which moves behind it; 0 at the end.
inline CodePoint next_at(std::string_view text, std::size_t& at) {
  if (at >= text.size()) return 0;
  const CodePoint c = decode_utf8(text.data() + at);
  at += static_cast<std::size_t>(utf8_length(text[at]));
  return c;
}

}  // namespace phidias::data::pipeline
