#include "data/pipeline/classify/text_preparation.h"

#include <unicode/uchar.h>

#include <array>

#include "data/tokenizers/utf8.h"

namespace phidias::data::pipeline {
namespace {

constexpr std::string_view kEndOfLine = "</s>";

bool is_mark(std::uint32_t code_point) {
  constexpr std::uint32_t kSymbols = U_GC_P_MASK | U_GC_S_MASK;
  return (U_GET_GC_MASK(static_cast<UChar32>(code_point)) & kSymbols) != 0;
}

struct Ascii {
  std::array<char, 128> lower;
  std::array<bool, 128> mark;
  Ascii() {
    for (std::uint32_t c = 0; c < 128; ++c) {
      lower[c] = static_cast<char>(c >= 'A' && c <= 'Z' ? c + 32 : c);
      mark[c] = is_mark(c);
    }
  }
};

const Ascii kAscii;

void append(std::string_view text, const TextPreparation& preparation, std::string& out) {
  for (std::size_t at = 0; at < text.size();) {
    const auto byte = static_cast<unsigned char>(text[at]);
    if (byte < 128) {
      const bool alone = preparation.split_punctuation && kAscii.mark[byte];
      if (alone) out += ' ';
      out += preparation.lower_case ? kAscii.lower[byte] : text[at];
      if (alone) out += ' ';
      ++at;
      continue;
    }
    const std::uint32_t code_point = decode_utf8(text.data() + at);
    const bool alone = preparation.split_punctuation && is_mark(code_point);
    if (alone) out += ' ';
    append_utf8(out, preparation.lower_case ? static_cast<std::uint32_t>(u_tolower(static_cast<UChar32>(code_point))) : code_point);
    if (alone) out += ' ';
    at += static_cast<std::size_t>(utf8_length(text[at]));
  }
}

}  // namespace

std::string_view prepare_text(std::string_view text, const TextPreparation& preparation, std::string& scratch) {
  const bool plain = !preparation.lower_case && !preparation.split_punctuation;
  std::size_t cut = text.find(kEndOfLine);
  if (plain && cut == std::string_view::npos) return text;
  scratch.clear();
  while (cut != std::string_view::npos) {
    append(text.substr(0, cut), preparation, scratch);
    scratch += ' ';
    text.remove_prefix(cut + kEndOfLine.size());
    cut = text.find(kEndOfLine);
  }
  append(text, preparation, scratch);
  return scratch;
}

}  // namespace phidias::data::pipeline
