#include "data/pipeline/read/json_text.h"

#include <bit>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <cstring>

namespace phidias::data::pipeline {
namespace {

bool needs_escape(char c) { return static_cast<unsigned char>(c) < 0x20 || c == '"' || c == '\\'; }

// The high bit of each byte of `word` that has to be escaped. Exact up to and including the first such byte, which is all that is asked of it.
std::uint64_t escape_bits(std::uint64_t word) {
  constexpr std::uint64_t kOnes = 0x0101010101010101U, kHigh = 0x8080808080808080U;
  const auto zero_bytes = [](std::uint64_t w) { return (w - kOnes) & ~w; };
  const std::uint64_t controls = (word - kOnes * 0x20) & ~word;
  return (controls | zero_bytes(word ^ (kOnes * '"')) | zero_bytes(word ^ (kOnes * '\\'))) & kHigh;
}

// Length of the run at `begin` that needs no escapes.
std::size_t plain_run(const char* begin, const char* end) {
  const char* at = begin;
  for (; end - at >= 8; at += 8) {
    std::uint64_t word = 0;
    std::memcpy(&word, at, sizeof word);
    if (const std::uint64_t bits = escape_bits(word); bits != 0)
      return static_cast<std::size_t>(at - begin) + static_cast<std::size_t>(std::countr_zero(bits)) / 8;
  }
  while (at < end && !needs_escape(*at)) ++at;
  return static_cast<std::size_t>(at - begin);
}

void append_escape(char c, std::string& out) {
  static constexpr std::string_view kShort = "\"\\\n\r\t\b\f", kLetters = "\"\\nrtbf", kHex = "0123456789abcdef";
  out += '\\';
  if (const std::size_t at = kShort.find(c); at != std::string_view::npos) {
    out += kLetters[at];
    return;
  }
  out += "u00";
  out += kHex[static_cast<unsigned char>(c) >> 4];
  out += kHex[static_cast<unsigned char>(c) & 15];
}

bool is_space(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }
bool is_digit(char c) { return c >= '0' && c <= '9'; }

// Position of the quote that ends the string which begins before `at`; the size of the text when there is none.
std::size_t closing_quote(std::string_view text, std::size_t at) {
  for (;; ++at) {
    at = text.find('"', at);
    if (at == std::string_view::npos) return text.size();
    std::size_t backslashes = 0;
    while (backslashes < at && text[at - 1 - backslashes] == '\\') ++backslashes;
    if (backslashes % 2 == 0) return at;
  }
}

}  // namespace

void append_json_string(std::string_view text, std::string& out) {
  out += '"';
  const char* at = text.data();
  const char* const end = at + text.size();
  while (at < end) {
    const std::size_t run = plain_run(at, end);
    out.append(at, run);
    at += run;
    if (at < end) append_escape(*at++, out);
  }
  out += '"';
}

void append_json_number(double value, std::string& out) {
  if (!std::isfinite(value)) {
    out += "null";
    return;
  }
  if (value == 0 && std::signbit(value)) {  // "-0" would read back as the integer
    out += "-0.0";
    return;
  }
  char digits[32];
  constexpr double kExactIntegers = 9007199254740992.0;  // beyond, digits without an exponent would read as an integer that may not fit 64 bits
  const auto written = std::abs(value) < kExactIntegers ? std::to_chars(digits, digits + sizeof digits, value)
                                                        : std::to_chars(digits, digits + sizeof digits, value, std::chars_format::scientific);
  out.append(digits, written.ptr);
}

RawMembers::RawMembers(std::string_view object) : text_(object) {
  skip_space();
  ++at_;  // the brace
}

void RawMembers::skip_space() {
  while (at_ < text_.size() && is_space(text_[at_])) ++at_;
}

std::string_view RawMembers::string() {
  const std::size_t begin = at_ + 1, end = closing_quote(text_, begin);
  at_ = end + 1;
  return begin <= end ? text_.substr(begin, end - begin) : std::string_view();
}

bool RawMembers::next(std::string_view& key, std::string_view& value) {
  const auto skip = [this](char c) {
    skip_space();
    if (at_ < text_.size() && text_[at_] == c) ++at_;
    skip_space();
  };
  skip(',');
  if (at_ >= text_.size() || text_[at_] != '"') return false;
  key = string();
  skip(':');
  const std::size_t begin = at_;
  for (int depth = 0; at_ < text_.size();) {
    const char c = text_[at_];
    if (depth == 0 && (c == ',' || c == '}')) break;
    if (c == '"') {
      string();
      continue;
    }
    if (c == '{' || c == '[') ++depth;
    if (c == '}' || c == ']') --depth;
    ++at_;
  }
  std::size_t end = at_ < text_.size() ? at_ : text_.size();
  while (end > begin && is_space(text_[end - 1])) --end;
  value = begin < end ? text_.substr(begin, end - begin) : std::string_view();
  return true;
}

void blank_long_integers(std::string& json) {
  constexpr std::size_t kAlwaysFits = 18;  // digits
  for (std::size_t at = 0; at < json.size();) {
    if (json[at] == '"') {
      at = closing_quote(json, at + 1) + 1;
      continue;
    }
    const std::size_t begin = at;
    while (at < json.size() && is_digit(json[at])) ++at;
    const bool whole = at == json.size() || (json[at] != '.' && json[at] != 'e' && json[at] != 'E');
    const bool fraction = begin > 0 && json[begin - 1] == '.';
    if (at - begin > kAlwaysFits && whole && !fraction) json.replace(begin + 2, at - begin - 2, at - begin - 2, ' ');
    if (at == begin) ++at;
  }
}

}  // namespace phidias::data::pipeline
