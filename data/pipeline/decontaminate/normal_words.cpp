#include "data/pipeline/decontaminate/normal_words.h"

#include <unicode/normalizer2.h>
#include <unicode/uchar.h>
#include <unicode/unistr.h>
#include <unicode/utf8.h>

#include "base/error.h"
#include "data/pipeline/decontaminate/simplified_text.h"
#include "data/pipeline/quality/lower_case.h"
#include "data/tokenizers/utf8.h"

namespace phidias::data::pipeline {
namespace {

bool is_ascii_punctuation(char c) { return (c >= '!' && c <= '/') || (c >= ':' && c <= '@') || (c >= '[' && c <= '`') || (c >= '{' && c <= '~'); }

bool is_word_character(UChar32 c) {
  if (c < 0x80) return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
  const auto type = u_charType(c);
  return u_isalnum(c) || type == U_OTHER_NUMBER || type == U_LETTER_NUMBER;
}

void add_stripped(std::string_view run, std::uint32_t begin, bool unicode, std::string& scratch, NormalWords& words) {
  scratch.clear();
  bool ascii = true;
  for (const char c : run) {
    if (is_ascii_punctuation(c)) continue;
    ascii = ascii && static_cast<unsigned char>(c) < 0x80;
    scratch += static_cast<char>(c >= 'A' && c <= 'Z' ? c + 32 : c);
  }
  if (scratch.empty()) return;
  if (unicode && !ascii) scratch = lower_case(scratch);
  words.add(scratch, {begin, begin + static_cast<std::uint32_t>(run.size())});
}

// Whether the sigma at [begin, end) ends its word (Unicode's Final_Sigma).
bool is_final_sigma(std::string_view text, std::int32_t begin, std::int32_t end) {
  const auto size = static_cast<std::int32_t>(text.size());
  UChar32 c = 0;
  bool before = false;
  for (std::int32_t i = begin; i > 0;) {
    U8_PREV(text.data(), 0, i, c);
    if (u_hasBinaryProperty(c, UCHAR_CASE_IGNORABLE)) continue;
    before = u_hasBinaryProperty(c, UCHAR_CASED);
    break;
  }
  if (!before) return false;
  for (std::int32_t i = end; i < size;) {
    U8_NEXT(text.data(), i, size, c);
    if (u_hasBinaryProperty(c, UCHAR_CASE_IGNORABLE)) continue;
    return !u_hasBinaryProperty(c, UCHAR_CASED);
  }
  return true;
}

// One character at a time, so that every word knows its bytes: decomposition, dropped marks and lower case do not look further, but for sigma.
class TokenReader {
 public:
  TokenReader(std::string_view text, NormalWords& words) : text_(text), words_(words) {
    UErrorCode status = U_ZERO_ERROR;
    nfd_ = icu::Normalizer2::getNFDInstance(status);
    if (U_FAILURE(status)) throw DataError(std::string("ICU cannot decompose: ") + u_errorName(status));
  }

  void read() {
    const auto size = static_cast<std::int32_t>(text_.size());
    for (std::int32_t i = 0; i < size;) {
      begin_ = i;
      UChar32 c = 0;
      U8_NEXT(text_.data(), i, size, c);
      end_ = i;
      if (c < 0x80) {
        take(c >= 'A' && c <= 'Z' ? c + 32 : c);
      } else if (nfd_->getDecomposition(c, decomposition_)) {
        for (std::int32_t k = 0; k < decomposition_.length(); k = decomposition_.moveIndex32(k, 1)) take_lowered(decomposition_.char32At(k));
      } else {
        take_lowered(c);
      }
    }
    close();
  }

 private:
  void take_lowered(UChar32 c) {
    constexpr UChar32 kCapitalSigma = 0x3A3, kSigma = 0x3C3, kFinalSigma = 0x3C2;
    if (u_charType(c) == U_NON_SPACING_MARK) return;
    if (c == kCapitalSigma) return take(is_final_sigma(text_, begin_, end_) ? kFinalSigma : kSigma);
    take(u_tolower(c));
  }
  void take(UChar32 c) {
    if (!is_word_character(c)) return close();
    if (word_.empty()) from_.begin = static_cast<std::uint32_t>(begin_);
    from_.end = static_cast<std::uint32_t>(end_);
    if (c < 0x80)
      word_ += static_cast<char>(c);
    else
      append_utf8(word_, static_cast<std::uint32_t>(c));
  }
  void close() {
    if (!word_.empty()) words_.add(word_, from_);
    word_.clear();
  }

  std::string_view text_;
  NormalWords& words_;
  const icu::Normalizer2* nfd_ = nullptr;
  icu::UnicodeString decomposition_;
  std::int32_t begin_ = 0, end_ = 0;
  std::string word_;
  TextRange from_;
};

}  // namespace

void NormalWords::clear() {
  text.clear();
  starts.clear();
  origin.clear();
}

void NormalWords::add(std::string_view word, TextRange from) {
  if (!text.empty()) text += ' ';
  starts.push_back(static_cast<std::uint32_t>(text.size()));
  text += word;
  origin.push_back(from);
}

void NormalWords::finish() {
  if (!starts.empty()) starts.push_back(static_cast<std::uint32_t>(text.size() + 1));
}

void normalise(std::string_view text, WordForm form, const WordSplitter& splitter, NormalWords& words) {
  words.clear();
  if (form == WordForm::token) {
    TokenReader(text, words).read();
  } else if (form == WordForm::simplified) {
    const std::string simple = simplified_text(text);
    thread_local Words split;
    splitter.split(simple, split);
    for (const std::string_view word : split) words.add(word, {});
    words.origin.clear();
  } else {
    thread_local Words runs;
    std::string scratch;
    WordSplitter::of(SplitterKind::whitespace).split(text, runs);
    for (const std::string_view run : runs) add_stripped(run, static_cast<std::uint32_t>(run.data() - text.data()), form == WordForm::plain, scratch, words);
  }
  words.finish();
}

}  // namespace phidias::data::pipeline
