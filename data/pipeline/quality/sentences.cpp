#include "data/pipeline/quality/sentences.h"

#include <unicode/brkiter.h>
#include <unicode/utext.h>

#include <memory>
#include <string>

#include "base/error.h"
#include "data/pipeline/byte_masks.h"
#include "data/pipeline/characters.h"
#include "data/tokenizers/utf8.h"

namespace phidias::data::pipeline {
namespace {

bool closes(std::uint32_t c) {
  switch (c) {
    case '"':
    case '\'':
    case ')':
    case ']':
    case 0x2019:  // ’
    case 0x201d:  // ”
    case 0x00bb:  // »
    case 0x300d:  // 」
    case 0x300f:  // 』
    case 0xff09:  // ）
      return true;
    default:
      return false;
  }
}

// Reads characters of one kind from `at` on.
class Reader {
 public:
  explicit Reader(std::string_view text) : text_(text) {}
  bool at_end(std::size_t at) const { return at >= text_.size(); }
  std::uint32_t character(std::size_t at) const { return decode_utf8(text_.data() + at); }
  std::size_t after(std::size_t at) const { return at + static_cast<std::size_t>(utf8_length(text_[at])); }
  bool is(std::size_t at, std::uint8_t kinds) const { return !at_end(at) && characters_.is(character(at), kinds); }

 private:
  std::string_view text_;
  const Characters& characters_ = Characters::get();
};

void split_spaced(std::string_view text, std::vector<std::size_t>& ends) {
  const Reader reader(text);
  std::size_t begin = 0;  // of the present sentence
  for (std::size_t at = find_mark_or_foreign(text, 0, '.', '?', '!'); at < text.size(); at = find_mark_or_foreign(text, at, '.', '?', '!')) {
    if (!reader.is(at, Characters::terminal)) {
      at = reader.after(at);
      continue;
    }
    bool ends_here = false;
    for (; reader.is(at, Characters::terminal); at = reader.after(at)) ends_here = ends_here || reader.character(at) >= 0x80;
    while (!reader.at_end(at) && closes(reader.character(at))) at = reader.after(at);
    if (!ends_here && !reader.at_end(at) && !reader.is(at, Characters::space)) continue;
    ends.push_back(at);
    begin = at;
  }
  if (!ends.empty() && strip_left(text.substr(begin)).empty()) ends.pop_back();
  ends.push_back(text.size());
}

// Matches of (?:(?:\p{Lu}\.)|.)+?[terminal\n]+["'”]? from left to right, without the white space around them. A match that meets the end of the text takes
// back its last capital with full stop, as backtracking does.
void split_terminal(std::string_view text, std::vector<std::size_t>& ends) {
  const Reader reader(text);
  const auto is_end = [&](std::size_t at) { return !reader.at_end(at) && (text[at] == '\n' || reader.is(at, Characters::terminal)); };
  for (std::size_t begin = 0; begin < text.size();) {
    if (text[begin] == '\n') {
      ++begin;
      continue;
    }
    constexpr std::size_t kNone = std::string_view::npos;
    std::size_t at = begin, last_stop = kNone;
    do {
      const std::size_t next = reader.after(at);
      const bool is_initial = next < text.size() && text[next] == '.' && reader.is(at, Characters::upper);
      if (is_initial) last_stop = next;
      at = is_initial ? next + 1 : next;
    } while (!reader.at_end(at) && !is_end(at));
    if (reader.at_end(at)) {
      if (last_stop == kNone) break;
      at = last_stop;
    }
    while (is_end(at)) at = reader.after(at);
    if (!reader.at_end(at) && (text[at] == '"' || text[at] == '\'' || reader.character(at) == 0x201d)) at = reader.after(at);
    const std::string_view sentence = text.substr(begin, at - begin);
    if (const std::string_view kept = strip_right(sentence); !strip_left(kept).empty()) ends.push_back(begin + kept.size());
    begin = at;
  }
  if (ends.empty()) ends.push_back(0);
  ends.back() = text.size();
}

void split_by_icu(std::string_view text, std::vector<std::size_t>& ends) {
  thread_local std::unique_ptr<icu::BreakIterator> breaks;
  UErrorCode status = U_ZERO_ERROR;
  if (!breaks) breaks.reset(icu::BreakIterator::createSentenceInstance(icu::Locale::getRoot(), status));
  UText opened = UTEXT_INITIALIZER;
  utext_openUTF8(&opened, text.data(), static_cast<std::int64_t>(text.size()), &status);
  if (U_SUCCESS(status)) breaks->setText(&opened, status);
  if (U_FAILURE(status)) throw DataError(std::string("ICU cannot split sentences: ") + u_errorName(status));
  std::size_t begin = static_cast<std::size_t>(breaks->first());
  for (std::int32_t end = breaks->next(); end != icu::BreakIterator::DONE; end = breaks->next()) {
    const auto stop = static_cast<std::size_t>(end);
    if (!strip_left(text.substr(begin, stop - begin)).empty()) ends.push_back(stop);
    begin = stop;
  }
  utext_close(&opened);
  if (ends.empty()) ends.push_back(0);
  ends.back() = text.size();
}

}  // namespace

void split_sentences(std::string_view text, SentenceRule rule, std::vector<std::size_t>& ends) {
  ends.clear();
  switch (rule) {
    case SentenceRule::spaced:
      return split_spaced(text, ends);
    case SentenceRule::terminal:
      return split_terminal(text, ends);
    case SentenceRule::icu:
      return split_by_icu(text, ends);
  }
}

}  // namespace phidias::data::pipeline
