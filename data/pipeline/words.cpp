#include "data/pipeline/words.h"

#include <unicode/brkiter.h>
#include <unicode/uchar.h>
#include <unicode/utext.h>
#include <unicode/utf8.h>

#include "base/error.h"

namespace phidias::data::pipeline {
namespace {

// Python's str.isspace(): White_Space, and the four information separators.
bool is_space(UChar32 c) { return u_isUWhiteSpace(c) || (c >= 0x1c && c <= 0x1f); }

// Calls visit(code point, begin, end) along the text.
template <class Visit>
void for_each_code_point(std::string_view text, Visit&& visit) {
  const char* data = text.data();
  const auto size = static_cast<std::int32_t>(text.size());
  for (std::int32_t i = 0; i < size;) {
    const std::int32_t begin = i;
    UChar32 c = 0;
    U8_NEXT(data, i, size, c);
    visit(c, static_cast<std::size_t>(begin), static_cast<std::size_t>(i));
  }
}

class WhitespaceSplitter final : public WordSplitter {
 public:
  SplitterKind kind() const override { return SplitterKind::whitespace; }
  void split(std::string_view text, Words& words) const override {
    words.clear();
    std::size_t begin = std::string_view::npos;
    for_each_code_point(text, [&](UChar32 c, std::size_t from, std::size_t) {
      if (!is_space(c)) {
        if (begin == std::string_view::npos) begin = from;
      } else if (begin != std::string_view::npos) {
        words.push_back(text.substr(begin, from - begin));
        begin = std::string_view::npos;
      }
    });
    if (begin != std::string_view::npos) words.push_back(text.substr(begin));
  }
};

class RegexSplitter final : public WordSplitter {
 public:
  SplitterKind kind() const override { return SplitterKind::regex; }
  void split(std::string_view text, Words& words) const override {
    words.clear();
    int open = 0;  // 0 between words, 1 in \w+, 2 in [^\w\s]+
    std::size_t begin = 0;
    for_each_code_point(text, [&](UChar32 c, std::size_t from, std::size_t) {
      const int kind = c == '_' || u_isalnum(c) || u_charType(c) == U_OTHER_NUMBER || u_charType(c) == U_LETTER_NUMBER ? 1 : is_space(c) ? 0 : 2;
      if (kind == open) return;
      if (open != 0) words.push_back(text.substr(begin, from - begin));
      open = kind;
      begin = from;
    });
    if (open != 0) words.push_back(text.substr(begin));
  }
};

class IcuSplitter final : public WordSplitter {
 public:
  SplitterKind kind() const override { return SplitterKind::icu; }
  void split(std::string_view text, Words& words) const override {
    thread_local std::unique_ptr<icu::BreakIterator> breaks;
    UErrorCode status = U_ZERO_ERROR;
    if (!breaks) breaks.reset(icu::BreakIterator::createWordInstance(icu::Locale::getRoot(), status));
    UText* opened = utext_openUTF8(nullptr, text.data(), static_cast<std::int64_t>(text.size()), &status);
    if (U_FAILURE(status)) throw DataError(std::string("ICU cannot split words: ") + u_errorName(status));
    breaks->setText(opened, status);
    words.clear();
    std::int32_t begin = breaks->first();
    for (std::int32_t end = breaks->next(); end != icu::BreakIterator::DONE; begin = end, end = breaks->next()) {
      const std::string_view word = text.substr(static_cast<std::size_t>(begin), static_cast<std::size_t>(end - begin));
      bool blank = true;
      for_each_code_point(word, [&](UChar32 c, std::size_t, std::size_t) { blank = blank && is_space(c); });
      if (!blank) words.push_back(word);
    }
    utext_close(opened);
  }
};

}  // namespace

const WordSplitter& WordSplitter::of(SplitterKind kind) {
  static const WhitespaceSplitter whitespace;
  static const RegexSplitter regex;
  static const IcuSplitter icu;
  switch (kind) {
    case SplitterKind::whitespace: return whitespace;
    case SplitterKind::regex: return regex;
    case SplitterKind::icu: break;
  }
  return icu;
}

}  // namespace phidias::data::pipeline
