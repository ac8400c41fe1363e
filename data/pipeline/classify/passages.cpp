#include "data/pipeline/classify/passages.h"

#include <algorithm>

namespace phidias::data::pipeline {
namespace {

bool is_space(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

// Behind the `limit`-th word of the text, or its end; `words` receives the number of words before it.
std::size_t behind_words(std::string_view text, std::size_t limit, std::size_t& words) {
  words = 0;
  bool inside = false;
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (is_space(text[at])) {
      if (inside && words == limit) return at;
      inside = false;
    } else if (!inside) {
      inside = true;
      ++words;
    }
  }
  return text.size();
}

std::size_t line_size(std::string_view text) { return std::min(text.find('\n'), text.size() - 1) + 1; }

}  // namespace

void split_passages(std::string_view text, std::size_t words, std::vector<Passage>& passages) {
  passages.clear();
  Passage open;  // its text begins where the last passage ended
  const char* begin = text.data();
  const auto close = [&](std::string_view rest) {
    open.text = {begin, static_cast<std::size_t>(rest.data() - begin)};
    passages.push_back(open);
    begin = rest.data();
    open = {};
  };
  while (!text.empty()) {
    const std::string_view line = text.substr(0, line_size(text));
    std::size_t in_line = 0;
    behind_words(line, std::string_view::npos, in_line);
    if (open.words + in_line > 2 * words) {
      std::size_t taken = 0;
      text.remove_prefix(behind_words(line, words - open.words, taken));
      open.words += taken;
    } else {
      text.remove_prefix(line.size());
      open.words += in_line;
    }
    if (open.words >= words) close(text);
  }
  if (begin == text.data()) return;
  const bool joins = !passages.empty() && open.words * 4 < words;
  if (!joins && open.words > 0) return close(text);
  if (!joins) return;
  Passage& last = passages.back();
  last.text = {last.text.data(), static_cast<std::size_t>(text.data() - last.text.data())};
  last.words += open.words;
}

void split_lines(std::string_view text, std::vector<Passage>& passages) {
  passages.clear();
  while (!text.empty()) {
    Passage line{.text = text.substr(0, line_size(text))};
    behind_words(line.text, std::string_view::npos, line.words);
    if (line.words > 0) passages.push_back(line);
    text.remove_prefix(line.text.size());
  }
}

}  // namespace phidias::data::pipeline
