// Cuts that never stand inside a character of UTF-8. Texts are valid UTF-8; of other bytes at most three are passed over.
#pragma once

#include <algorithm>
#include <cstddef>
#include <string_view>

#include "data/tokenizers/utf8.h"

namespace phidias::data::pipeline {

// The last character boundary at or before `at`.
inline std::size_t utf8_boundary_before(std::string_view text, std::size_t at) {
  at = std::min(at, text.size());
  for (int i = 0; i < 3 && at > 0 && at < text.size() && is_continuation(text[at]); ++i) --at;
  return at;
}

// The first character boundary at or after `at`.
inline std::size_t utf8_boundary_after(std::string_view text, std::size_t at) {
  at = std::min(at, text.size());
  for (int i = 0; i < 3 && at < text.size() && is_continuation(text[at]); ++i) ++at;
  return at;
}

// The longest start of `text` in whole characters that has at most so many bytes.
inline std::string_view utf8_cut(std::string_view text, std::size_t bytes) { return text.substr(0, utf8_boundary_before(text, bytes)); }

// Position behind the first `characters` code points; text.size() where there are not so many.
inline std::size_t utf8_position(std::string_view text, std::size_t characters) {
  std::size_t at = 0;
  for (; characters > 0 && at < text.size(); --characters) at = utf8_boundary_after(text, at + 1);
  return at;
}

}  // namespace phidias::data::pipeline
