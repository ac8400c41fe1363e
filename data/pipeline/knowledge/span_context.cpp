#include "data/pipeline/knowledge/span_context.h"

#include <algorithm>
#include <array>
#include <string>

#include "data/tokenizers/utf8.h"

namespace phidias::data::pipeline {
namespace {

bool is_word(char c) { return is_ascii_alnum(c) || c == '_'; }

constexpr std::array<std::string_view, 8> kPhoneWords = {"tel", "phone", "fax", "mobile", "call", "tél", "móvil", "whatsapp"};
constexpr std::array<std::string_view, 9> kOtherNumbers = {"isbn", "issn", "doi", "arxiv", "pmid", "oclc", "lccn", "ismn", "rfc"};
constexpr std::array<std::string_view, 12> kCountedThings = {"#", "no.", "nr.", "issue", "ticket", "bug", "part", "id", "version", "patent", "case", "serial"};

template <std::size_t N>
bool holds_any(std::string_view text, const std::array<std::string_view, N>& words) {
  return std::any_of(words.begin(), words.end(), [&](std::string_view word) { return text.find(word) != std::string_view::npos; });
}

// Up to `size` bytes before `position`, within the line, in lower case (ASCII).
std::string before(std::string_view text, std::size_t position, std::size_t size) {
  const std::size_t from = position > size ? position - size : 0;
  std::string context(text.substr(from, position - from));
  if (const std::size_t line = context.rfind('\n'); line != std::string::npos) context.erase(0, line + 1);
  for (char& c : context)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return context;
}

// The run without white space that leads up to `position`, its last 200 bytes.
std::string_view token_before(std::string_view text, std::size_t position) {
  std::size_t begin = position;
  while (begin > 0 && position - begin < 200 && text[begin - 1] != ' ' && text[begin - 1] != '\n' && text[begin - 1] != '\t') --begin;
  return text.substr(begin, position - begin);
}

// 2019-03-12, 12/03/2019 and the like, on their own or at the start (a clock time may follow).
bool begins_like_date(std::string_view text) {
  std::array<std::size_t, 3> lengths{};
  std::size_t group = 0, position = 0;
  for (; position < text.size() && group < 3; ++position) {
    if (is_digit(text[position])) {
      ++lengths[group];
    } else if (text[position] == '-' || text[position] == '/' || text[position] == '.') {
      ++group;
    } else {
      break;
    }
  }
  const bool year_first = lengths[0] == 4 && lengths[1] >= 1 && lengths[1] <= 2 && lengths[2] >= 1 && lengths[2] <= 2;
  const bool year_last = lengths[0] >= 1 && lengths[0] <= 2 && lengths[1] >= 1 && lengths[1] <= 2 && lengths[2] == 4;
  return year_first || year_last;
}

}  // namespace

bool stands_alone(std::string_view text, std::size_t begin, std::size_t end) {
  if (begin > 0 && is_word(text[begin - 1])) return false;
  if (end < text.size() && is_word(text[end])) return false;
  const auto joins = [](char c) { return c == '.' || c == '-' || c == ':'; };
  if (begin > 1 && joins(text[begin - 1]) && is_digit(text[begin - 2])) return false;
  return !(end + 1 < text.size() && (text[end] == '.' || text[end] == '-') && is_digit(text[end + 1]));
}

bool is_word_boundary(std::string_view text, std::size_t position, bool by_unicode) {
  const bool after = position < text.size() && is_word(text[position]);
  bool in_front = position > 0 && is_word(text[position - 1]);
  if (by_unicode && position > 0 && static_cast<unsigned char>(text[position - 1]) >= 0x80) {
    // Letters and numbers of all scripts; marks are no word characters, as in Python.
    const std::uint8_t kind = CharacterClasses::get().of(decode_utf8_before(text.data() + position));
    in_front = (kind & (CharacterClasses::letter | CharacterClasses::number)) != 0;
  }
  return after != in_front;
}

bool is_another_number(std::string_view text, std::size_t begin, std::size_t end) {
  const std::string context = before(text, begin, 24);
  if (holds_any(context, kOtherNumbers)) return true;
  const std::string_view token = token_before(text, begin);
  const bool in_address = token.find("://") != std::string_view::npos || token.find("www.") != std::string_view::npos ||
                          token.find('=') != std::string_view::npos || token.ends_with("/") || (end < text.size() && text[end] == '/');
  if (in_address) return true;
  if (begins_like_date(text.substr(begin, end - begin))) return true;
  if (holds_any(context, kPhoneWords)) return false;
  return holds_any(before(text, begin, 9), kCountedThings);
}

}  // namespace phidias::data::pipeline
