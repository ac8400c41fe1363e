// Where lines end: tools differ, and a rule's number depends on it (docs/data/quality.md).
//
//   for_each_splitline(text, [&](std::string_view line) { ... });      // Python's str.splitlines()
//   for_each_newline_part(text, ...);                                   // str.split("\n")
#pragma once

#include <cstring>
#include <string_view>

#include "data/pipeline/byte_masks.h"
#include "data/pipeline/characters.h"
#include "data/tokenizers/utf8.h"

namespace phidias::data::pipeline {

// Line without its end. \n, \r, \r\n, \v, \f, \x1c to \x1e, U+0085, U+2028 and U+2029 end a line; nothing follows the last one.
template <class Visit>
void for_each_splitline(std::string_view text, Visit&& visit) {
  const Characters& characters = Characters::get();
  std::size_t line = 0;
  for (std::size_t at = find_control_or_foreign(text, 0); at < text.size(); at = find_control_or_foreign(text, at)) {
    const auto length = static_cast<std::size_t>(utf8_length(text[at]));
    if (!characters.is(decode_utf8(text.data() + at), Characters::line_end)) {
      at += length;
      continue;
    }
    visit(text.substr(line, at - line));
    at += text[at] == '\r' && at + 1 < text.size() && text[at + 1] == '\n' ? 2 : length;
    line = at;
  }
  if (line < text.size()) visit(text.substr(line));
}

// Parts between newlines; one more than there are newlines.
template <class Visit>
void for_each_newline_part(std::string_view text, Visit&& visit) {
  for (;;) {
    const char* newline = text.empty() ? nullptr : static_cast<const char*>(std::memchr(text.data(), '\n', text.size()));
    if (newline == nullptr) break;
    const auto size = static_cast<std::size_t>(newline - text.data());
    visit(text.substr(0, size));
    text.remove_prefix(size + 1);
  }
  visit(text);
}

}  // namespace phidias::data::pipeline
