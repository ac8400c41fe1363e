#include "data/pipeline/characters.h"

#include <unicode/uchar.h>
#include <unicode/uscript.h>

#include <bit>
#include <cstring>
#include <map>

#include "data/pipeline/byte_masks.h"
#include "data/tokenizers/utf8.h"

namespace phidias::data::pipeline {
namespace {

struct Range {
  std::uint32_t first, last;
};

// datatrove's TERMINAL_PUNCTUATION.
constexpr Range kTerminal[] = {
    {0x21, 0x21},       {0x2e, 0x2e},       {0x3f, 0x3f},       {0x589, 0x589},     {0x61d, 0x61f},     {0x6d4, 0x6d4},     {0x700, 0x702},
    {0x7f9, 0x7f9},     {0x837, 0x837},     {0x839, 0x839},     {0x83d, 0x83e},     {0x964, 0x965},     {0x104a, 0x104b},   {0x1362, 0x1362},
    {0x1367, 0x1368},   {0x166e, 0x166e},   {0x1735, 0x1736},   {0x17d4, 0x17d6},   {0x17d9, 0x17da},   {0x1803, 0x1803},   {0x1809, 0x1809},
    {0x1944, 0x1945},   {0x1aa8, 0x1aab},   {0x1b5a, 0x1b5b},   {0x1b5e, 0x1b5f},   {0x1b7d, 0x1b7e},   {0x1c3b, 0x1c3c},   {0x1c7e, 0x1c7f},
    {0x203c, 0x203d},   {0x2047, 0x2049},   {0x2e2e, 0x2e2e},   {0x2e3c, 0x2e3c},   {0x2e53, 0x2e54},   {0x3002, 0x3002},   {0xa4ff, 0xa4ff},
    {0xa60e, 0xa60f},   {0xa6f3, 0xa6f3},   {0xa6f7, 0xa6f7},   {0xa876, 0xa877},   {0xa8ce, 0xa8cf},   {0xa92f, 0xa92f},   {0xa9c8, 0xa9c9},
    {0xaa5d, 0xaa5f},   {0xaaf0, 0xaaf1},   {0xabeb, 0xabeb},   {0xfe52, 0xfe52},   {0xfe56, 0xfe57},   {0xff01, 0xff01},   {0xff0e, 0xff0e},
    {0xff1f, 0xff1f},   {0xff61, 0xff61},   {0x10a56, 0x10a57}, {0x10f55, 0x10f59}, {0x10f86, 0x10f89}, {0x11047, 0x11048}, {0x110be, 0x110c1},
    {0x11141, 0x11143}, {0x111c5, 0x111c6}, {0x111cd, 0x111cd}, {0x111de, 0x111df}, {0x11238, 0x11239}, {0x1123b, 0x1123c}, {0x112a9, 0x112a9},
    {0x1144b, 0x1144c}, {0x115c2, 0x115c3}, {0x115c9, 0x115d7}, {0x11641, 0x11642}, {0x1173c, 0x1173e}, {0x11944, 0x11944}, {0x11946, 0x11946},
    {0x11a42, 0x11a43}, {0x11a9b, 0x11a9c}, {0x11c41, 0x11c42}, {0x11ef7, 0x11ef8}, {0x11f43, 0x11f44}, {0x16a6e, 0x16a6f}, {0x16af5, 0x16af5},
    {0x16b37, 0x16b38}, {0x16b44, 0x16b44}, {0x16e98, 0x16e98}, {0x1bc9f, 0x1bc9f}, {0x1da88, 0x1da88},
};

// datatrove's PUNCTUATION, to which PUNCTUATION_SET adds the terminal ones. The full-width digit one (ff11) is in it.
constexpr Range kSymbols[] = {
    {0x0, 0x8},       {0xb, 0x1f},      {0x21, 0x2f},     {0x3a, 0x40},     {0x5b, 0x60},     {0x7b, 0x9f},     {0xab, 0xab},
    {0xb4, 0xb4},     {0xbb, 0xbb},     {0x2013, 0x2014}, {0x2019, 0x2019}, {0x201c, 0x201e}, {0x2026, 0x2026}, {0x2236, 0x2236},
    {0x2501, 0x2501}, {0x25ba, 0x25ba}, {0x3001, 0x3002}, {0x3008, 0x300d}, {0x3010, 0x3011}, {0xff01, 0xff01}, {0xff05, 0xff05},
    {0xff08, 0xff09}, {0xff0c, 0xff0c}, {0xff0e, 0xff0e}, {0xff11, 0xff11}, {0xff1a, 0xff1b}, {0xff1f, 0xff1f}, {0xff5e, 0xff5e},
};

constexpr Range kLineEnds[] = {{0xa, 0xd}, {0x1c, 0x1e}, {0x85, 0x85}, {0x2028, 0x2029}};

template <std::size_t n>
bool in(const Range (&ranges)[n], std::uint32_t c) {
  for (const Range& range : ranges)
    if (c <= range.last) return c >= range.first;
  return false;
}

std::uint8_t kinds_of(std::uint32_t code_point) {
  const auto c = static_cast<UChar32>(code_point);
  std::uint8_t kinds = 0;
  const bool alpha = u_isalpha(c);
  if (alpha) kinds |= Characters::alpha;
  // \w: isalnum() or "_"; isalnum() takes everything with a numeric value
  if (alpha || c == '_' || u_isdigit(c) || u_getIntPropertyValue(c, UCHAR_NUMERIC_TYPE) != U_NT_NONE) kinds |= Characters::word;
  // isspace(): White_Space and the four information separators
  if (u_isUWhiteSpace(c) || (c >= 0x1c && c <= 0x1f)) kinds |= Characters::space;
  if (in(kTerminal, code_point)) kinds |= Characters::terminal | Characters::symbol;
  if (in(kSymbols, code_point)) kinds |= Characters::symbol;
  if (in(kLineEnds, code_point)) kinds |= Characters::line_end;
  if (u_charType(c) == U_UPPERCASE_LETTER) kinds |= Characters::upper;
  if (u_hasBinaryProperty(c, UCHAR_EXTENDED_PICTOGRAPHIC)) kinds |= Characters::pictograph;
  return kinds;
}

bool divided_by_dictionary(UChar32 c) {
  if (u_getIntPropertyValue(c, UCHAR_LINE_BREAK) == U_LB_COMPLEX_CONTEXT) return true;
  if (c >= 0xac00 && c <= 0xd7a3) return true;  // Hangul syllables
  for (const UScriptCode script : {USCRIPT_HAN, USCRIPT_HIRAGANA, USCRIPT_KATAKANA})
    if (uscript_hasScript(c, script)) return true;
  return false;
}

WordBreak word_break_of(std::uint32_t code_point) {
  const auto c = static_cast<UChar32>(code_point);
  if (divided_by_dictionary(c)) return WordBreak::dictionary;
  if (c == '@') return WordBreak::letter;  // the root rules keep addresses together
  switch (u_getIntPropertyValue(c, UCHAR_WORD_BREAK)) {
    case U_WB_ALETTER:
      return WordBreak::letter;
    case U_WB_HEBREW_LETTER:
      return WordBreak::hebrew;
    case U_WB_NUMERIC:
      return WordBreak::numeric;
    case U_WB_EXTENDNUMLET:
      return WordBreak::underscore;
    case U_WB_MIDLETTER:
      return c == ':' || c == 0xfe55 || c == 0xff1a ? WordBreak::other : WordBreak::mid_letter;  // the root rules leave colons out
    case U_WB_MIDNUM:
      return WordBreak::mid_number;
    case U_WB_MIDNUMLET:
      return WordBreak::mid_both;
    case U_WB_SINGLE_QUOTE:
      return WordBreak::single_quote;
    case U_WB_DOUBLE_QUOTE:
      return WordBreak::double_quote;
    case U_WB_CR:
    case U_WB_LF:
    case U_WB_NEWLINE:
      return WordBreak::newline;
    case U_WB_WSEGSPACE:
      return WordBreak::space;
    case U_WB_EXTEND:
    case U_WB_FORMAT:
      return WordBreak::attached;
    case U_WB_ZWJ:
      return WordBreak::joiner;
    case U_WB_REGIONAL_INDICATOR:
      return WordBreak::regional;
    case U_WB_KATAKANA:
      return WordBreak::dictionary;
    default:
      return c >= 0xff10 && c <= 0xff19 ? WordBreak::numeric : WordBreak::other;
  }
}

}  // namespace

Characters::Characters() {
  std::map<std::pair<std::vector<std::uint8_t>, std::vector<WordBreak>>, std::uint16_t> seen;
  for (std::uint32_t block = 0; block < 0x1100; ++block) {
    const bool assigned = block < 0x400 || block == 0xe00 || block == 0xe01;  // planes 4 to 13 are empty, 15 and 16 private: as plane 4
    if (!assigned && block > 0x400) {
      block_of_[block] = block_of_[0x400];
      continue;
    }
    std::vector<std::uint8_t> kinds(256);
    std::vector<WordBreak> breaks(256);
    for (std::uint32_t i = 0; i < 256; ++i) {
      kinds[i] = kinds_of(block * 256 + i);
      breaks[i] = word_break_of(block * 256 + i);
      std::string utf8;
      append_utf8(utf8, block * 256 + i);
      lead_[static_cast<unsigned char>(utf8[0])] |= kinds[i];
    }
    const auto [place, is_new] = seen.try_emplace({kinds, breaks}, static_cast<std::uint16_t>(seen.size()));
    block_of_[block] = place->second;
    if (!is_new) continue;
    kinds_.insert(kinds_.end(), kinds.begin(), kinds.end());
    breaks_.insert(breaks_.end(), breaks.begin(), breaks.end());
  }
}

const Characters& Characters::get() {
  static const Characters characters;
  return characters;
}

std::size_t count_characters(std::string_view text) {
  constexpr std::uint64_t kOnes = 0x0101010101010101;
  const char* data = text.data();
  std::size_t left = text.size(), characters = 0;
#if defined(__SSE2__)
  for (; left >= 16; data += 16, left -= 16) {
    const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(data));
    const int begins = _mm_movemask_epi8(_mm_cmpgt_epi8(bytes, _mm_set1_epi8(static_cast<char>(0xBF))));  // continuations are the lowest signed bytes
    characters += static_cast<std::size_t>(std::popcount(static_cast<std::uint32_t>(begins)));
  }
#endif
  for (; left >= 8; data += 8, left -= 8) {
    std::uint64_t bytes;
    std::memcpy(&bytes, data, 8);
    characters += 8 - static_cast<std::size_t>((((bytes >> 7) & ~(bytes >> 6) & kOnes) * kOnes) >> 56);
  }
  for (; left > 0; ++data, --left) characters += !is_continuation(*data);
  return characters;
}

bool is_ascii(std::string_view text) {
  constexpr std::uint64_t kHigh = 0x8080808080808080;
  const char* data = text.data();
  std::size_t left = text.size();
  std::uint64_t all = 0, bytes = 0;
  for (; left >= 8; data += 8, left -= 8) {
    std::memcpy(&bytes, data, 8);
    all |= bytes;
  }
  bytes = 0;
  if (left > 0) std::memcpy(&bytes, data, left);
  return ((all | bytes) & kHigh) == 0;
}

std::string_view strip_spaces_left(std::string_view text) {
  const Characters& characters = Characters::get();
  while (!text.empty() && characters.is(decode_utf8(text.data()), Characters::space)) text.remove_prefix(static_cast<std::size_t>(utf8_length(text[0])));
  return text;
}

std::string_view strip_spaces_right(std::string_view text) {
  const Characters& characters = Characters::get();
  while (!text.empty() && characters.is(decode_utf8_before(text.data() + text.size()), Characters::space)) {
    while (is_continuation(text.back())) text.remove_suffix(1);
    text.remove_suffix(1);
  }
  return text;
}

}  // namespace phidias::data::pipeline
