// Letters of ASCII without regard to case: what protocols and markup are written in. Independent of the locale.
#pragma once

#include <algorithm>
#include <string>
#include <string_view>

namespace phidias::data::pipeline {

inline char ascii_lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c; }

inline std::string ascii_lower(std::string_view text) {
  std::string lower(text);
  std::transform(lower.begin(), lower.end(), lower.begin(), [](char c) { return ascii_lower(c); });
  return lower;
}

inline bool ascii_equal(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](char x, char y) { return ascii_lower(x) == ascii_lower(y); });
}

inline bool ascii_starts_with(std::string_view text, std::string_view start) { return ascii_equal(text.substr(0, start.size()), start); }

// Position of `what` (lower case) at or after `from`, or npos.
inline std::size_t ascii_find(std::string_view text, std::string_view what, std::size_t from = 0) {
  if (from > text.size()) return std::string_view::npos;
  const auto at =
      std::search(text.begin() + static_cast<std::ptrdiff_t>(from), text.end(), what.begin(), what.end(), [](char x, char y) { return ascii_lower(x) == y; });
  return at == text.end() ? std::string_view::npos : static_cast<std::size_t>(at - text.begin());
}

inline std::string_view ascii_trim(std::string_view text) {
  const std::size_t begin = text.find_first_not_of(" \t\r\n\f");
  return begin == std::string_view::npos ? std::string_view() : text.substr(begin, text.find_last_not_of(" \t\r\n\f") - begin + 1);
}

}  // namespace phidias::data::pipeline
