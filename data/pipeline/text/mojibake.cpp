#include "data/pipeline/text/mojibake.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <optional>
#include <vector>

#include "data/tokenizers/utf8.h"

namespace phidias::data::pipeline {
namespace {

using CodePoint = std::uint32_t;

// What Windows-1252 has at 80..9F; bytes that it leaves undefined stand for themselves.
constexpr std::array<CodePoint, 32> kWindows1252 = {0x20AC, 0x81,   0x201A, 0x192,  0x201E, 0x2026, 0x2020, 0x2021, 0x2C6,  0x2030, 0x160,
                                                    0x2039, 0x152,  0x8D,   0x17D,  0x8F,   0x90,   0x2018, 0x2019, 0x201C, 0x201D, 0x2022,
                                                    0x2013, 0x2014, 0x2DC,  0x2122, 0x161,  0x203A, 0x153,  0x9D,   0x17E,  0x178};
constexpr CodePoint kReplacement = 0xFFFD;
constexpr char kLost = 0x1A;  // a byte of which only U+FFFD is left

// -1: not a character of the encoding.
int latin1_byte(CodePoint c) { return c < 0x100 ? static_cast<int>(c) : -1; }
int windows1252_byte(CodePoint c) {
  if (c < 0x80 || (c >= 0xA0 && c < 0x100)) return c == kLost ? -1 : static_cast<int>(c);
  if (c == kReplacement) return kLost;
  const auto* found = std::ranges::find(kWindows1252, c);
  return found == kWindows1252.end() ? -1 : 0x80 + static_cast<int>(found - kWindows1252.begin());
}

// Kinds of characters, as bits.
enum : std::uint16_t {
  kCommon = 1,     // stand anywhere
  kControl = 2,    // C1
  kBad = 4,        // hardly ever meant
  kLaw = 8,        // ¶ §
  kCurrency = 16,  // ¢ £ ¥ €
  kStart = 32,     // opening punctuation
  kEnd = 64,       // closing punctuation
  kNumeric = 128,
  kUpper = 256,  // accented
  kLower = 512,  // accented
};
constexpr std::uint16_t kMarked = kBad | kLower | kUpper | kStart | kEnd | kCurrency | kNumeric | kLaw;

// Of the characters of the two encodings and U+FFFD; others have none.
std::uint16_t kind_of_byte(int byte) {
  switch (byte) {
    case 0xA0:
    case 0xAD:
    case 0xB7:
    case 0xB4:
    case 0x96:
    case 0x97:
    case 0x85:
    case 0x92:
      return kCommon;
    case 0xA6:
    case 0xA4:
    case 0xA8:
    case 0xAC:
    case 0xAF:
    case 0xB8:
    case 0x83:
    case 0x88:
    case 0x98:
    case 0x86:
    case 0x87:
    case 0x89:
    case 0xAA:
    case 0xBA:
      return kBad;
    case 0xB6:
    case 0xA7:
      return kLaw;
    case 0xA2:
    case 0xA3:
    case 0xA5:
    case 0x80:
      return kCurrency;
    case 0xA1:
    case 0xAB:
    case 0xBF:
    case 0xA9:
    case 0x91:
    case 0x82:
    case 0x93:
    case 0x84:
    case 0x95:
    case 0x8B:
      return kStart;
    case 0xAE:
    case 0xBB:
    case 0x94:
    case 0x9B:
    case 0x99:
      return kEnd;
    case 0xB2:
    case 0xB3:
    case 0xB9:
    case 0xB1:
    case 0xBC:
    case 0xBD:
    case 0xBE:
    case 0xD7:
    case 0xB5:
    case 0xF7:
      return kNumeric;
    case 0xD8:
    case 0xDC:
    case 0xDD:
    case 0x8C:
    case 0x8A:
    case 0x9F:
    case 0x8E:
      return kUpper;
    case 0xDF:
    case 0xFC:
    case 0x9C:
    case 0x9A:
    case 0x9E:
      return kLower;
    default:
      return (byte >= 0xC0 && byte <= 0xD1) ? kUpper : (byte >= 0xE0 && byte <= 0xF1) ? kLower : 0;
  }
}

struct Kinds {
  std::array<std::uint16_t, 0x200> low{};  // code points below
  Kinds() {
    for (int c = 0x80; c < 0xA0; ++c) low[static_cast<std::size_t>(c)] = kControl;
    for (int c = 0xA0; c < 0x100; ++c) low[static_cast<std::size_t>(c)] = kind_of_byte(c);
    for (int b = 0x80; b < 0xA0; ++b)
      if (const CodePoint c = kWindows1252[static_cast<std::size_t>(b - 0x80)]; c >= 0x100 && c < low.size()) low[c] = kind_of_byte(b);
  }
};

std::uint16_t kind_of(CodePoint c) {
  static const Kinds kinds;
  if (c < kinds.low.size()) return kinds.low[c];
  if (c == kReplacement) return kBad;
  if ((c < 0x2000 || c > 0x2122) && c != 0x2C6 && c != 0x2DC) return 0;
  const int byte = windows1252_byte(c);
  return byte >= 0x80 ? kind_of_byte(byte) : std::uint16_t{0};
}

bool is_ascii_letter(CodePoint c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
bool is_ascii_lower(CodePoint c) { return c >= 'a' && c <= 'z'; }
bool is_space(CodePoint c) { return CharacterClasses::get().of(c) & CharacterClasses::space; }
bool is_word(CodePoint c) { return c == '_' || (CharacterClasses::get().of(c) & (CharacterClasses::letter | CharacterClasses::number)) != 0; }

bool any(std::uint16_t kind, int of) { return (kind & of) != 0; }

// Â Ã Î Ð before what follows them in misread text.
bool follows_lead(CodePoint c, std::uint16_t kind) {
  if (any(kind, kStart | kEnd)) return true;
  switch (c) {
    case 0x20AC:
    case 0x153:
    case 0x160:
    case 0x161:
    case 0xA2:
    case 0xA3:
    case 0x178:
    case 0x17E:
    case 0xA0:
    case 0xAD:
    case 0xB0:
    case 0xB7:
    case 0x2013:
    case 0x2014:
    case 0xB4:
      return true;
    default:
      return false;
  }
}

bool follows_arabic_lead(CodePoint c, std::uint16_t kind) {
  return any(kind, kCommon | kCurrency | kBad | kNumeric | kStart) || c == 0x178 || c == 0x160 || c == 0xAE || c == 0xB0 || c == 0xB5 || c == 0xBB;
}

// Neighbours around a character; 0: none.
struct Window {
  CodePoint before2, before, at, after, after2, after3;
};

// Whether something suspicious starts at w.at, which is no ASCII character, or one before it.
bool is_suspicious_at(const Window& w) {
  const std::uint16_t at = kind_of(w.at), before = kind_of(w.before), after = kind_of(w.after);
  if (any(at, kControl)) return true;
  if (w.at == 0xDE && is_ascii_letter(w.before) && any(after, kBad)) return true;
  if (w.at == 0x152 || w.at == 0x153) return w.after != 0 && !is_ascii_letter(w.after);
  if (at == 0) return (w.at == 0xD0 || w.at == 0xCE) && follows_lead(w.after, after);
  // Two marked characters.
  if (any(at, kMarked) && any(after, kBad)) return true;
  if (any(at, kBad) && any(after, kMarked)) return true;
  if (any(at, kLower | kEnd | kCurrency | kNumeric) && any(after, kUpper)) return true;
  if (any(at, kEnd | kCurrency | kNumeric) && any(after, kLower)) return true;
  if (any(at, kLower | kEnd) && any(after, kCurrency)) return true;
  if (any(at, kUpper) && (any(after, kNumeric | kLaw) || w.after == 0xB0)) return true;
  if (any(at, kCurrency | kNumeric) && any(after, kStart)) return true;
  if (w.at == 0xD7 && (w.after == 0xB2 || w.after == 0xB3)) return true;
  if (w.at == 0xE0 && (w.after == 0xB2 || w.after == 0xB5 || w.after == 0xB9 || (w.after >= 0xBC && w.after <= 0xBE))) return true;
  if ((w.at == 0xC2 || w.at == 0xC3 || w.at == 0xCE || w.at == 0xD0) && follows_lead(w.after, after)) return true;
  if (w.at == 0xC3 && w.after == 0xA1) return true;
  // With what stands before or behind.
  if (any(at, kUpper) && any(after, kCurrency) && w.before != 0 && is_space(w.before)) return true;
  if (any(at, kUpper) && any(after, kStart | kCurrency) && is_ascii_lower(w.before)) return true;
  const std::uint16_t after2 = kind_of(w.after2);
  if (any(at, kLower | kUpper | kCurrency | kEnd) && any(after, kStart) && any(after2, kNumeric)) return true;
  if (any(at, kLower | kUpper | kCurrency | kNumeric | kLaw) && any(after, kEnd) && any(after2, kStart)) return true;
  if (any(at, kLower | kUpper) && any(after, kStart | kEnd) && w.after2 != 0 && is_word(w.after2)) return true;
  if ((w.at == 0xD8 || w.at == 0xD9) && follows_arabic_lead(w.after, after) && (w.after2 == 0xD8 || w.after2 == 0xD9) &&
      follows_arabic_lead(w.after3, kind_of(w.after3)))
    return true;
  if ((w.at == 0xC2 || w.at == 0xC3) && w.after == ' ') {
    if (w.before == 0 || is_ascii_lower(w.before) || (is_space(w.before) && is_ascii_lower(w.before2))) return true;
  }
  if (w.at == 0xC2 && (w.after == ' ' || any(after, kStart | kEnd))) {
    return w.before == '.' || w.before == ',' || w.before == '?' || w.before == '!' || is_ascii_lower(w.before) || any(before, kEnd);
  }
  return false;
}

std::size_t skip_ascii(std::string_view text, std::size_t at) {
  while (at + 8 <= text.size()) {
    std::uint64_t word = 0;
    std::memcpy(&word, text.data() + at, 8);
    if ((word & 0x8080808080808080u) != 0) break;
    at += 8;
  }
  while (at < text.size() && static_cast<unsigned char>(text[at]) < 0x80) ++at;
  return at;
}

CodePoint next_at(std::string_view text, std::size_t& at) {
  if (at >= text.size()) return 0;
  const CodePoint c = decode_utf8(text.data() + at);
  at += static_cast<std::size_t>(utf8_length(text[at]));
  return c;
}

// Bytes that would be UTF-8 had not A0 become a space: at most one space per sequence, in sequences that make common characters.
std::size_t altered_length(std::string_view bytes, std::size_t at) {
  const auto byte = [&](std::size_t i) { return at + i < bytes.size() ? static_cast<unsigned char>(bytes[at + i]) : 0; };
  const auto continues = [&](std::size_t i) { return byte(i) >= 0x80 && byte(i) <= 0xBF; };
  const auto continues_for_sure = [&](std::size_t i) { return continues(i) && byte(i) != 0x85 && byte(i) != 0xA0; };
  const int lead = byte(0);
  if ((lead == 0xC2 || lead == 0xC3 || lead == 0xC5 || lead == 0xCE || lead == 0xD0 || lead == 0xD9) && byte(1) == ' ') return 2;
  if ((lead == 0xE2 || lead == 0xE3) && byte(1) == ' ' && continues_for_sure(2)) return 3;
  if (lead >= 0xE0 && lead <= 0xE3 && continues_for_sure(1) && byte(2) == ' ') return 3;
  if (lead != 0xF0) return 0;
  const int spaces = (byte(1) == ' ') + (byte(2) == ' ') + (byte(3) == ' ');
  for (std::size_t i = 1; i <= 3; ++i)
    if (byte(i) != ' ' && !continues(i)) return 0;
  return spaces == 1 ? 4 : 0;
}

std::string with_a0(std::string_view bytes) {
  // "Ã la" is "à la", two words, but for some Portuguese words that start with à.
  std::string words;
  for (std::size_t at = 0; at < bytes.size(); ++at) {
    words += bytes[at];
    if (bytes[at] != '\xC3' || at + 1 >= bytes.size() || bytes[at + 1] != ' ') continue;
    const std::string_view rest = bytes.substr(at + 2);
    if (rest.starts_with(' ') || rest.starts_with("quele") || rest.starts_with("quela") || rest.starts_with("quilo") || rest.starts_with("s ")) continue;
    words += '\xA0';
  }
  for (std::size_t at = 0; at < words.size();) {
    const std::size_t length = altered_length(words, at);
    for (std::size_t i = 0; i < length; ++i)
      if (words[at + i] == ' ') words[at + i] = '\xA0';
    at += std::max<std::size_t>(length, 1);
  }
  return words;
}

// Length of a sequence that lost bytes to U+FFFD (or one to a question mark); 0: none.
std::size_t lossy_length(std::string_view bytes, std::size_t at) {
  const auto byte = [&](std::size_t i) { return at + i < bytes.size() ? static_cast<unsigned char>(bytes[at + i]) : 0; };
  const auto is_there = [&](std::size_t i) { return byte(i) == kLost || (byte(i) >= 0x80 && byte(i) <= 0xBF); };
  const auto is_lost = [&](std::size_t i) { return byte(i) == kLost || byte(i) == '?'; };
  const int lead = byte(0);
  if (lead >= 0xC2 && lead <= 0xDF && byte(1) == kLost) return 2;
  if ((lead == 0xC2 || lead == 0xC3) && byte(1) == '?') return 2;
  const std::size_t length = lead >= 0xE0 && lead <= 0xEF ? 3 : lead >= 0xF0 && lead <= 0xF4 ? 4 : 0;
  for (std::size_t lost = 1; lost < length; ++lost) {
    bool fits = is_lost(lost);
    for (std::size_t i = 1; i < length; ++i) fits = fits && (i == lost || is_there(i));
    if (fits) return length;
  }
  return lead == kLost ? 1 : 0;
}

std::string with_lossy_replaced(std::string_view bytes) {
  std::string out;
  for (std::size_t at = 0; at < bytes.size();) {
    const std::size_t length = lossy_length(bytes, at);
    if (length > 0)
      out += "\uFFFD";
    else
      out += bytes[at];
    at += std::max<std::size_t>(length, 1);
  }
  return out;
}

std::optional<std::string> decoded_whole(std::string_view text, int (*byte_of)(CodePoint), bool is_lossy) {
  std::string bytes;
  for (std::size_t at = 0; at < text.size();) {
    const int byte = byte_of(next_at(text, at));
    if (byte < 0) return std::nullopt;
    bytes += static_cast<char>(byte);
  }
  bytes = with_a0(bytes);
  if (is_lossy) bytes = with_lossy_replaced(bytes);
  if (find_invalid_utf8(bytes) != std::string_view::npos) return std::nullopt;
  return bytes;
}

// Byte that a character may have been in either encoding; -1: none.
int either_byte(CodePoint c) {
  const int byte = latin1_byte(c);
  return byte >= 0 ? byte : c == kReplacement ? -1 : windows1252_byte(c);
}

// A continuation byte that hardly stands for itself beside misread text: no space, dash, bullet, quotation mark or ellipsis.
bool continues_strictly(CodePoint c) {
  switch (c) {
    case 0x2013:
    case 0x2014:
    case 0x2022:
    case 0x2018:
    case 0x2019:
    case 0x201C:
    case 0x201D:
    case 0x201A:
    case 0x201E:
    case 0x2026:
    case 0x2039:
    case 0x203A:
      return false;
    default: {
      const int byte = either_byte(c);
      return byte >= 0x80 && byte <= 0xBF;
    }
  }
}

// End of a run of characters in the form of UTF-8 that starts at `at`; `at` where there is none.
std::size_t form_end(std::string_view text, std::size_t at) {
  for (;;) {
    std::size_t next = at;
    const int lead = either_byte(next_at(text, next));
    const int more = lead >= 0xC2 && lead <= 0xDF ? 1 : lead >= 0xE0 && lead <= 0xEF ? 2 : lead == 0xF0 || lead == 0xF3 ? 3 : 0;
    if (more == 0) return at;
    for (int i = 0; i < more; ++i) {
      if (next >= text.size()) return at;
      const CodePoint c = next_at(text, next);
      const int byte = either_byte(c);
      if (c != ' ' && (byte < 0x80 || byte > 0xBF)) return at;
    }
    at = next;
  }
}

std::string repaired(std::string_view text, int levels);

std::string with_runs_repaired(std::string_view text, int levels) {
  std::string out;
  CodePoint before = 0;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = before != 0 && continues_strictly(before) ? at : form_end(text, at);
    if (end > at) {
      const std::string_view run = text.substr(at, end - at);
      out += run.size() < text.size() && is_suspicious(run) ? repaired(run, levels - 1) : std::string(run);
      before = decode_utf8_before(text.data() + end);
      at = end;
    } else {
      const std::size_t begin = at;
      before = next_at(text, at);
      out.append(text, begin, at - begin);
    }
  }
  return out;
}

std::string with_controls_replaced(std::string_view text) {
  std::string out;
  for (std::size_t at = 0; at < text.size();) {
    const CodePoint c = next_at(text, at);
    append_utf8(out, c >= 0x80 && c < 0xA0 ? kWindows1252[c - 0x80] : c);
  }
  return out;
}

std::string repaired(std::string_view line, int levels) {
  std::string text(line);
  for (int round = 0; round < 8 && levels > 0; ++round) {
    if (!is_suspicious(text)) break;
    std::optional<std::string> whole = decoded_whole(text, latin1_byte, false);
    if (!whole) whole = decoded_whole(text, windows1252_byte, true);
    std::string next = whole ? *whole : with_runs_repaired(text, levels);
    if (next == text) next = with_controls_replaced(text);
    if (next == text) break;
    text = std::move(next);
  }
  return text;
}

}  // namespace

bool is_suspicious(std::string_view text) {
  for (std::size_t at = skip_ascii(text, 0); at < text.size(); at = skip_ascii(text, at)) {
    Window window{};
    if (at > 0) {
      window.before = decode_utf8_before(text.data() + at);
      std::size_t start = at - 1;
      while (is_continuation(text[start])) --start;
      if (start > 0) window.before2 = decode_utf8_before(text.data() + start);
    }
    window.at = next_at(text, at);
    // Scripts beyond the two encodings have nothing suspicious.
    if (window.at >= 0x2123 && window.at != kReplacement) continue;
    std::size_t ahead = at;
    window.after = next_at(text, ahead);
    window.after2 = next_at(text, ahead);
    window.after3 = next_at(text, ahead);
    if (is_suspicious_at(window)) return true;
  }
  return false;
}

std::string repair_mojibake_line(std::string_view line) { return repaired(line, 4); }

int repair_mojibake(std::string& text) {
  if (!is_suspicious(text)) return 0;
  std::string out;
  int changed = 0;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find('\n', at), text.size());
    const std::string_view line(text.data() + at, end - at);
    if (is_suspicious(line)) {
      const std::string fixed = repair_mojibake_line(line);
      changed += static_cast<int>(fixed != line);
      out += fixed;
    } else {
      out += line;
    }
    if (end < text.size()) out += '\n';
    at = end + 1;
  }
  text = std::move(out);
  return changed;
}

}  // namespace phidias::data::pipeline
