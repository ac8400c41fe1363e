#include "data/pipeline/decontaminate/simplified_text.h"

#include <re2/re2.h>
#include <unicode/casemap.h>
#include <unicode/normalizer2.h>
#include <unicode/uchar.h>
#include <unicode/utf8.h>

#include <algorithm>

#include "base/error.h"
#include "data/pipeline/quality/lower_case.h"

namespace phidias::data::pipeline {
namespace {

bool is_ascii(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) < 0x80; });
}

void require(UErrorCode status, const char* what) {
  if (U_FAILURE(status)) throw DataError(std::string("ICU cannot ") + what + ": " + u_errorName(status));
}

// datatrove's list; tab and line feed, which it leaves out, are white space in any case.
bool becomes_space(UChar32 c) {
  static constexpr std::u32string_view kListed = U"!/—”:％１〈&(、━\\【#%「」，】；+^]~“《„';’{|∶´[=-`*．（–？！：$～«〉,><》)?）。…@_.\"}►»";
  if (c < 32 || (c >= 127 && c < 160)) return true;
  return kListed.find(static_cast<char32_t>(c)) != std::u32string_view::npos;
}

bool is_python_space(UChar32 c) { return u_isUWhiteSpace(c) || (c >= 0x1c && c <= 0x1f); }

}  // namespace

std::string without_marks(std::string_view text) {
  if (is_ascii(text)) return std::string(text);
  UErrorCode status = U_ZERO_ERROR;
  const icu::Normalizer2* nfd = icu::Normalizer2::getNFDInstance(status);
  require(status, "decompose");
  std::string decomposed;
  icu::StringByteSink<std::string> sink(&decomposed);
  nfd->normalizeUTF8(0, icu::StringPiece(text.data(), static_cast<std::int32_t>(text.size())), sink, nullptr, status);
  require(status, "decompose");
  std::string bare;
  bare.reserve(decomposed.size());
  for (std::int32_t i = 0, size = static_cast<std::int32_t>(decomposed.size()); i < size;) {
    const std::int32_t begin = i;
    UChar32 c = 0;
    U8_NEXT(decomposed.data(), i, size, c);
    if (u_charType(c) != U_NON_SPACING_MARK) bare.append(decomposed, static_cast<std::size_t>(begin), static_cast<std::size_t>(i - begin));
  }
  return bare;
}

std::string simplified_text(std::string_view text) {
  static const RE2 number("\\p{Nd}+([.,،٫⎖⎗⎘]\\p{Nd}+)?");
  std::string lower = lower_case(text);
  RE2::GlobalReplace(&lower, number, "0");
  std::string spaced;
  spaced.reserve(lower.size());
  bool gap = false;
  for (std::int32_t i = 0, size = static_cast<std::int32_t>(lower.size()); i < size;) {
    const std::int32_t begin = i;
    UChar32 c = 0;
    U8_NEXT(lower.data(), i, size, c);
    if (is_python_space(c) || becomes_space(c)) {
      gap = true;
      continue;
    }
    if (gap && !spaced.empty()) spaced += ' ';
    gap = false;
    spaced.append(lower, static_cast<std::size_t>(begin), static_cast<std::size_t>(i - begin));
  }
  std::string bare = without_marks(spaced);
  const auto outer = [](char c) { return c == ' '; };
  bare.erase(bare.begin(), std::find_if_not(bare.begin(), bare.end(), outer));
  bare.erase(std::find_if_not(bare.rbegin(), bare.rend(), outer).base(), bare.end());
  return bare;
}

}  // namespace phidias::data::pipeline
