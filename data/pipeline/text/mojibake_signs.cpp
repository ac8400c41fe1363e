#include <cstring>

#include "data/pipeline/text/mojibake.h"
#include "data/pipeline/text/windows1252.h"

namespace phidias::data::pipeline {
namespace {

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

}  // namespace phidias::data::pipeline
