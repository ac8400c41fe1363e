// Where lines end: tools differ, and a rule's number depends on it (docs/data/quality.md).
//
//   for_each_splitline(text, [&](std::string_view line) { ... });      // Python's str.splitlines()
//   for_each_newline_part(text, ...);                                   // str.split("\n")
#pragma once

#include <cstring>
#include <string_view>

#include "data/pipeline/characters.h"
#include "data/tokenizers/utf8.h"

namespace phidias::data::pipeline {

// Line without its end. \n, \r, \r\n, \v, \f, \x1c to \x1e, U+0085, U+2028 and U+2029 end a line; nothing follows the last one.
template <class Visit>
void for_each_splitline(std::string_view text, Visit&& visit) {
  const Characters& characters = Characters::get();
  const char *at = text.data(), *const end = at + text.size(), *line = at;
  while (at < end) {
    if (!characters.may_start(static_cast<unsigned char>(*at), Characters::line_end)) {
      ++at;
      continue;
    }
    const int length = utf8_length(*at);
    if (length > 1 && !characters.is(decode_utf8(at), Characters::line_end)) {
      at += length;
      continue;
    }
    visit(std::string_view(line, static_cast<std::size_t>(at - line)));
    at += *at == '\r' && at + 1 < end && at[1] == '\n' ? 2 : length;
    line = at;
  }
  if (line < end) visit(std::string_view(line, static_cast<std::size_t>(end - line)));
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
