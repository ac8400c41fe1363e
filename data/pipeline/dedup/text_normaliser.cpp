#include "data/pipeline/dedup/text_normaliser.h"

#include <unicode/normalizer2.h>
#include <unicode/uchar.h>
#include <unicode/unistr.h>
#include <unicode/utf8.h>

#include <algorithm>
#include <cstring>
#include <memory>

#include "base/error.h"
#include "data/tokenizers/utf8.h"

namespace phidias::data::pipeline {
namespace {

constexpr std::u32string_view kPunctuation =  // datatrove's list without control characters
    U"!/—”:％１〈&(、━\\【#%「」，】；+^]~“《„';’{|∶´[=-`*．（–？！：$～«〉,><》)?）。…@_.\"}►»";
constexpr std::u32string_view kNumberSeparators = U".,،٫⎖⎗⎘";
constexpr std::u32string_view kCcNetPunctuation = U"，。、„”“«»１」「《》´∶：？！（）；–—．～’…━〈〉【】％►";
constexpr std::uint32_t kCapitalSigma = 0x3A3, kCapitalIWithDot = 0x130;

bool is_white_space(std::uint32_t c) { return u_isUWhiteSpace(static_cast<UChar32>(c)) || (c >= 0x1c && c <= 0x1f); }
bool is_control(std::uint32_t c) { return c < 32 || (c >= 127 && c < 160); }
bool is_digit(std::uint32_t c) { return u_charType(static_cast<UChar32>(c)) == U_DECIMAL_DIGIT_NUMBER; }
bool is_punctuation(std::uint32_t c) {
  return (is_control(c) && c != '\t' && c != '\n') || kPunctuation.find(static_cast<char32_t>(c)) != std::u32string_view::npos;
}

// The character at `at` and the place behind it; U+FFFD for a byte that begins none.
std::uint32_t next_character(std::string_view text, std::size_t& at) {
  const char* data = text.data() + at;
  const auto rest = static_cast<std::int32_t>(std::min<std::size_t>(text.size() - at, 4));
  std::int32_t i = 0;
  UChar32 c = 0;
  U8_NEXT(data, i, rest, c);
  at += static_cast<std::size_t>(i);
  return c < 0 ? 0xFFFD : static_cast<std::uint32_t>(c);
}

// Whether a capital sigma in [begin, end) ends a word: a cased letter before it and none after it, case-ignorable characters passed over (Unicode 3.13).
bool is_final_sigma(std::string_view text, std::size_t begin, std::size_t end) {
  const auto ignorable = [](std::uint32_t c) { return u_hasBinaryProperty(static_cast<UChar32>(c), UCHAR_CASE_IGNORABLE); };
  const auto cased = [](std::uint32_t c) { return u_hasBinaryProperty(static_cast<UChar32>(c), UCHAR_CASED); };
  std::uint32_t before = 0;
  while (begin > 0) {
    do --begin;
    while (begin > 0 && is_continuation(text[begin]));
    std::size_t at = begin;
    before = next_character(text, at);
    if (!ignorable(before)) break;
    before = 0;
  }
  if (before == 0 || !cased(before)) return false;
  while (end < text.size()) {
    const std::uint32_t after = next_character(text, end);
    if (!ignorable(after)) return !cased(after);
  }
  return true;
}

const icu::Normalizer2& nfd() {
  UErrorCode status = U_ZERO_ERROR;
  const icu::Normalizer2* normaliser = icu::Normalizer2::getNFDInstance(status);
  if (U_FAILURE(status)) throw DataError(std::string("ICU has no tables of canonical decomposition: ") + u_errorName(status));
  return *normaliser;
}

// Decomposed, without non-spacing marks.
std::string without_marks(const std::string& text) {
  UErrorCode status = U_ZERO_ERROR;
  const icu::UnicodeString decomposed = nfd().normalize(icu::UnicodeString::fromUTF8(text), status);
  std::string bare;
  for (std::int32_t i = 0; i < decomposed.length(); i = decomposed.moveIndex32(i, 1)) {
    const UChar32 c = decomposed.char32At(i);
    if (u_charType(c) != U_NON_SPACING_MARK) append_utf8(bare, static_cast<std::uint32_t>(c));
  }
  return bare;
}

std::string lower(std::uint32_t c) {
  std::string text;
  append_utf8(text, c == kCapitalIWithDot ? 'i' : static_cast<std::uint32_t>(u_tolower(static_cast<UChar32>(c))));
  if (c == kCapitalIWithDot) append_utf8(text, 0x307);
  return text;
}

std::string_view stripped(std::string_view line) {
  while (!line.empty()) {
    std::size_t at = 0;
    if (!is_white_space(next_character(line, at))) break;
    line.remove_prefix(at);
  }
  while (!line.empty()) {
    std::size_t at = line.size() - 1;
    while (at > 0 && is_continuation(line[at])) --at;
    std::size_t end = at;
    if (!is_white_space(next_character(line, end))) break;
    line = line.substr(0, at);
  }
  return line;
}

bool is_surrogate(std::uint32_t c) { return c >= 0xD800 && c < 0xE000; }

}  // namespace

struct TextNormaliser::Block {
  struct Entry {
    Kind kind = copied;
    std::uint8_t size = 0;
    std::uint16_t offset = 0;
  };
  std::array<Entry, 256> entries;
  std::string pool;
};

TextNormaliser::TextNormaliser(const NormaliseSection& section) : section_(section) {
  for (std::uint32_t c = 0; c < 256; ++c) {
    const bool capital = section.lowercase && c >= 'A' && c <= 'Z';
    mapped_[c] = static_cast<char>(capital ? c + 32 : c);
    kind_[c] = c >= 0x80                                                         ? other
               : section.numbers && c >= '0' && c <= '9'                         ? digit
               : is_white_space(c) || (section.punctuation && is_punctuation(c)) ? space
                                                                                 : copied;
  }
}

TextNormaliser::~TextNormaliser() {
  for (std::atomic<Block*>& block : blocks_) delete block.load();
}

TextNormaliser::Block* TextNormaliser::build(std::uint32_t index) const {
  auto block = std::make_unique<Block>();
  for (std::uint32_t i = 0; i < 256; ++i) {
    const std::uint32_t c = index * 256 + i;
    Block::Entry& entry = block->entries[i];
    if (is_surrogate(c)) continue;
    std::string text;
    append_utf8(text, c);
    if (section_.lowercase) text = lower(c);
    const std::uint32_t first = decode_utf8(text.data());
    entry.kind = section_.lowercase && c == kCapitalSigma                                   ? sigma
                 : section_.numbers && is_digit(first)                                      ? digit
                 : is_white_space(first) || (section_.punctuation && is_punctuation(first)) ? space
                                                                                            : copied;
    if (section_.marks) text = without_marks(text);
    entry.offset = static_cast<std::uint16_t>(block->pool.size());
    entry.size = static_cast<std::uint8_t>(text.size());
    block->pool += text;
  }
  return block.release();
}

const TextNormaliser::Block& TextNormaliser::block(std::uint32_t index) const {
  std::atomic<Block*>& slot = blocks_[index];
  Block* present = slot.load(std::memory_order_acquire);
  if (present != nullptr) return *present;
  Block* built = build(index);
  if (slot.compare_exchange_strong(present, built, std::memory_order_acq_rel)) return *built;
  delete built;  // another thread was first
  return *present;
}

// Behind \p{Nd}+([.,...]\p{Nd}+)?, whose first digit stands before `at`.
std::size_t TextNormaliser::skip_number(std::string_view text, std::size_t at) const {
  const auto skip_digits = [&](std::size_t from) {
    while (from < text.size()) {
      std::size_t next = from;
      const std::uint32_t c = next_character(text, next);
      if (c < 0x80 ? c < '0' || c > '9' : !is_digit(c)) break;
      from = next;
    }
    return from;
  };
  at = skip_digits(at);
  if (at == text.size()) return at;
  std::size_t behind = at;
  if (kNumberSeparators.find(static_cast<char32_t>(next_character(text, behind))) == std::u32string_view::npos) return at;
  const std::size_t end = skip_digits(behind);
  return end == behind ? at : end;
}

void TextNormaliser::normalise(std::string_view text, NormalisedText& out) const {
  // A character's decomposition takes at most three times its bytes; a space before each word has a byte of the text to itself.
  if (out.buffer.size() < 3 * text.size() + 16) out.buffer.resize(3 * text.size() + 16);
  out.starts.clear();
  char* const begin = out.buffer.data();
  char* to = begin;
  bool in_word = false;
  const auto open_word = [&] {
    if (in_word) return;
    if (to != begin) *to++ = ' ';
    out.starts.push_back(static_cast<std::size_t>(to - begin));
    in_word = true;
  };
  for (std::size_t at = 0; at < text.size();) {
    const auto byte = static_cast<unsigned char>(text[at]);
    switch (kind_[byte]) {
      case copied:
        open_word();
        do *to++ = mapped_[static_cast<unsigned char>(text[at++])];
        while (at < text.size() && kind_[static_cast<unsigned char>(text[at])] == copied);
        continue;
      case space:
        in_word = false;
        ++at;
        continue;
      case digit:
        open_word();
        *to++ = '0';
        at = skip_number(text, at + 1);
        continue;
      default:
        break;
    }
    const std::size_t from = at;
    const std::uint32_t c = next_character(text, at);
    const Block& table = block(c >> 8);
    const auto& entry = table.entries[c & 255];
    switch (entry.kind) {
      case space:
        in_word = false;
        continue;
      case digit:
        open_word();
        *to++ = '0';
        at = skip_number(text, at);
        continue;
      case sigma:
        open_word();
        std::memcpy(to, is_final_sigma(text, from, at) ? "ς" : "σ", 2);
        to += 2;
        continue;
      default:
        if (entry.size == 0) continue;  // a dropped mark does not begin a word
        open_word();
        std::memcpy(to, table.pool.data() + entry.offset, entry.size);
        to += entry.size;
    }
  }
  out.size = static_cast<std::size_t>(to - begin);
}

void append_cc_net_line(std::string_view line, std::string& out) {
  line = stripped(line);
  for (std::size_t at = 0; at < line.size();) {
    const std::size_t from = at;
    const auto byte = static_cast<unsigned char>(line[at]);
    if (byte < 0x80) {
      ++at;
      if (byte < 32 || byte == 127) continue;
      out += static_cast<char>(byte >= 'A' && byte <= 'Z' ? byte + 32 : byte >= '0' && byte <= '9' ? '0' : byte);
      continue;
    }
    const std::uint32_t c = next_character(line, at);
    if (is_digit(c)) {
      out += '0';
    } else if (c == kCapitalSigma) {
      out += is_final_sigma(line, from, at) ? "ς" : "σ";
    } else if (!is_control(c) && kCcNetPunctuation.find(static_cast<char32_t>(c)) == std::u32string_view::npos) {
      out += lower(c);
    }
  }
}

}  // namespace phidias::data::pipeline
