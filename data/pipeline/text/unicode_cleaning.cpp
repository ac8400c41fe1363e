#include "data/pipeline/text/unicode_cleaning.h"

#include <algorithm>
#include <cstring>

#include "data/tokenizers/utf8.h"

namespace phidias::data::pipeline {
namespace {

// Vectors of the compiler, not of a machine.
using Bytes16 = unsigned char __attribute__((vector_size(16)));
using Mask16 = signed char __attribute__((vector_size(16)));

Bytes16 load16(const unsigned char* bytes) {
  Bytes16 vector;
  std::memcpy(&vector, bytes, sizeof vector);
  return vector;
}

bool is_any(Mask16 mask) {
  std::uint64_t halves[2];
  std::memcpy(halves, &mask, sizeof halves);
  return (halves[0] | halves[1]) != 0;
}

// Bytes that stay as they are: ASCII without control characters but \n and \t.
bool is_plain(unsigned char c) { return (c >= 0x20 && c < 0x7F) || c == '\n' || c == '\t'; }

std::size_t skip_plain(std::string_view text, std::size_t at) {
  const auto* bytes = reinterpret_cast<const unsigned char*>(text.data());
  for (; at + 16 <= text.size(); at += 16) {
    const Bytes16 c = load16(bytes + at);
    if (is_any(((c < 0x20) | (c > 0x7E)) & (c != '\n') & (c != '\t'))) break;
  }
  while (at < text.size() && is_plain(static_cast<unsigned char>(text[at]))) ++at;
  return at;
}

bool is_odd_space(std::uint32_t c) { return c == 0xA0 || c == 0x1680 || (c >= 0x2000 && c <= 0x200A) || c == 0x202F || c == 0x205F || c == 0x3000; }
bool is_directional(std::uint32_t c) { return c == 0x200E || c == 0x200F || c == 0x61C || (c >= 0x202A && c <= 0x202E) || (c >= 0x2066 && c <= 0x2069); }
bool is_noncharacter(std::uint32_t c) { return (c >= 0xFDD0 && c <= 0xFDEF) || (c & 0xFFFE) == 0xFFFE; }
bool is_private_use(std::uint32_t c) { return (c >= 0xE000 && c <= 0xF8FF) || c >= 0xF0000; }

std::uint32_t straight(std::uint32_t c) {
  if ((c >= 0x2018 && c <= 0x201B) || c == 0x2BC) return '\'';
  if (c >= 0x201C && c <= 0x201F) return '"';
  return c;
}

// The character in its place; 0: it goes.
std::uint32_t cleaned(std::uint32_t c, const CleaningRules& rules, CleaningCounts& counts) {
  if (c == 0x85 || c == 0x2028 || c == 0x2029) return '\n';
  if (c < 0x20 || (c >= 0x7F && c < 0xA0)) return 0;
  if (is_odd_space(c)) return rules.plain_spaces ? ' ' : c;
  if (c == 0xAD) return rules.soft_hyphens ? c : 0;
  if (c == 0x200C || c == 0x200D) return rules.zero_width == ZeroWidth::remove ? 0 : c;
  if (c == 0x200B || c == 0x2060 || c == 0x180E) return rules.zero_width == ZeroWidth::keep ? c : 0;
  if (c == 0xFEFF || (c >= 0x206A && c <= 0x206F) || (c >= 0xFFF9 && c <= 0xFFFB) || is_noncharacter(c)) return 0;
  if (is_directional(c)) return rules.directional_marks ? c : 0;
  if (c == 0xFFFD) {
    ++counts.replacement;
    return rules.replacement ? c : 0;
  }
  if (is_private_use(c)) {
    ++counts.private_use;
    return rules.private_use ? c : 0;
  }
  return rules.straight_quotes ? straight(c) : c;
}

}  // namespace

void clean_characters(std::string_view text, const CleaningRules& rules, std::string& out, CleaningCounts& counts) {
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = skip_plain(text, at);
    out.append(text, at, end - at);
    at = end;
    if (at == text.size()) break;
    if (text[at] == '\r') {
      out += '\n';
      at += at + 1 < text.size() && text[at + 1] == '\n' ? 2 : 1;
      continue;
    }
    const auto length = static_cast<std::size_t>(utf8_length(text[at]));
    const std::uint32_t c = decode_utf8(text.data() + at), now = cleaned(c, rules, counts);
    if (now != 0 && now == c)
      out.append(text, at, length);
    else if (now != 0)
      append_utf8(out, now);
    at += length;
  }
}

void lay_out(std::string_view text, const LayoutRules& rules, std::string& out) {
  const std::size_t begin = out.size();
  std::int64_t newlines = 0;
  bool is_first = true;
  for (std::size_t at = 0; at <= text.size();) {
    const std::size_t end = std::min(text.find('\n', at), text.size());
    std::string_view line = text.substr(at, end - at);
    if (rules.strip_lines) {
      const std::size_t last = line.find_last_not_of(" \t");
      line = line.substr(0, last == std::string_view::npos ? 0 : last + 1);
    }
    // The line end in front of this line is written only when there are not too many.
    if (!is_first) {
      ++newlines;
      if (rules.max_newlines == 0 || newlines <= rules.max_newlines) out += '\n';
    }
    is_first = false;
    if (!line.empty()) newlines = 0;
    if (rules.collapse_spaces) {
      std::size_t indent = std::min(line.find_first_not_of(" \t"), line.size());
      out.append(line, 0, indent);
      for (bool space = false; indent < line.size(); ++indent) {
        const bool is_space = line[indent] == ' ' || line[indent] == '\t';
        if (!is_space)
          out += line[indent];
        else if (!space)
          out += ' ';
        space = is_space;
      }
    } else {
      out += line;
    }
    at = end + 1;
  }
  if (!rules.strip_text) return;
  const std::size_t last = out.find_last_not_of(" \t\n");
  out.resize(last == std::string::npos || last < begin ? begin : last + 1);
  // Indentation of the first line stays; empty lines before it go.
  std::size_t first = begin;
  for (std::size_t at = begin; at < out.size() && (out[at] == ' ' || out[at] == '\t' || out[at] == '\n'); ++at)
    if (out[at] == '\n') first = at + 1;
  out.erase(begin, first - begin);
}

bool is_clean_ascii(std::string_view text, const LayoutRules& rules) {
  if (text.empty()) return true;
  if (rules.collapse_spaces || rules.max_newlines != 2) return false;
  const auto is_blank = [](char c) { return c == ' ' || c == '\t' || c == '\n'; };
  if (rules.strip_text && (text.front() == '\n' || is_blank(text.back()))) return false;
  if (rules.strip_lines && is_blank(text.back()) && text.back() != '\n') return false;
  // Sixteen bytes at once beside their two successors. The last bytes are looked at one by one.
  const auto* bytes = reinterpret_cast<const unsigned char*>(text.data());
  std::size_t at = 0;
  for (; at + 18 <= text.size(); at += 16) {
    const Bytes16 c = load16(bytes + at), next = load16(bytes + at + 1), after = load16(bytes + at + 2);
    const auto control = ((c < 0x20) | (c > 0x7E)) & (c != '\n') & (c != '\t');
    const auto trailing = ((c == ' ') | (c == '\t')) & (next == '\n');
    const auto gap = (c == '\n') & (next == '\n') & (after == '\n');
    if (is_any(control | trailing | gap)) return false;
  }
  for (; at < text.size(); ++at) {
    const auto is = [&](std::size_t i, char wanted) { return i < text.size() && text[i] == wanted; };
    if (!is_plain(bytes[at])) return false;
    if ((is(at, ' ') || is(at, '\t')) && is(at + 1, '\n')) return false;
    if (is(at, '\n') && is(at + 1, '\n') && is(at + 2, '\n')) return false;
  }
  return true;
}

}  // namespace phidias::data::pipeline
