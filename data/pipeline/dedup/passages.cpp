#include "data/pipeline/dedup/passages.h"

#include <algorithm>

namespace phidias::data::pipeline {
namespace {

constexpr std::string_view kBlank = " \t\n\v\f\r";

std::string_view trimmed(std::string_view text) {
  const std::size_t begin = text.find_first_not_of(kBlank);
  return begin == std::string_view::npos ? std::string_view() : text.substr(begin, text.find_last_not_of(kBlank) - begin + 1);
}

}  // namespace

void line_pieces(std::string_view text, std::vector<TextPiece>& passages) {
  passages.clear();
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size() - 1) + 1;
    passages.push_back({text.substr(0, end), trimmed(text.substr(0, end))});
    text.remove_prefix(end);
  }
}

void paragraph_pieces(std::string_view text, std::vector<TextPiece>& passages) {
  passages.clear();
  std::size_t begin = 0, at = 0;
  bool has_text = false, after_blank = false;
  while (at < text.size()) {
    const std::size_t end = std::min(text.find('\n', at), text.size() - 1) + 1;
    const bool blank = trimmed(text.substr(at, end - at)).empty();
    if (!blank && has_text && after_blank) {
      passages.push_back({text.substr(begin, at - begin), trimmed(text.substr(begin, at - begin))});
      begin = at;
    }
    has_text = has_text || !blank;
    after_blank = blank;
    at = end;
  }
  if (begin < text.size()) passages.push_back({text.substr(begin), trimmed(text.substr(begin))});
}

}  // namespace phidias::data::pipeline
