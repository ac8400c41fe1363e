#include "configs/scalars.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdlib>

namespace phidias::configs {

namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }

// Sign, digits, one point, exponent, underscores between digits; gives the text without underscores, or nothing.
std::optional<std::string> plain_number(std::string_view text) {
  std::string plain;
  std::size_t i = 0;
  if (i < text.size() && (text[i] == '-' || text[i] == '+')) {
    if (text[i] == '-') plain += '-';
    ++i;
  }
  const auto digits = [&] {
    std::size_t count = 0;
    for (; i < text.size(); ++i) {
      const bool is_separator = text[i] == '_' && count > 0 && is_digit(text[i - 1]) && i + 1 < text.size() && is_digit(text[i + 1]);
      if (is_separator) continue;
      if (!is_digit(text[i])) break;
      plain += text[i];
      ++count;
    }
    return count;
  };
  const std::size_t start = i;
  const std::size_t whole = digits();
  if (whole > 1 && text[start] == '0') return std::nullopt;
  std::size_t fraction = 0;
  if (i < text.size() && text[i] == '.') {
    plain += whole == 0 ? "0." : ".";
    ++i;
    fraction = digits();
    if (fraction == 0) plain += '0';
  }
  if (whole + fraction == 0) return std::nullopt;
  if (i < text.size() && (text[i] == 'e' || text[i] == 'E')) {
    plain += 'e';
    ++i;
    if (i < text.size() && (text[i] == '-' || text[i] == '+')) plain += text[i++];
    if (digits() == 0) return std::nullopt;
  }
  if (i != text.size()) return std::nullopt;
  return plain;
}

}  // namespace

std::optional<double> parse_number(std::string_view text) {
  const std::optional<std::string> plain = plain_number(text);
  if (!plain) return std::nullopt;
  double number = 0;
  const auto [end, error] = std::from_chars(plain->data(), plain->data() + plain->size(), number);
  if (error != std::errc() || end != plain->data() + plain->size() || !std::isfinite(number)) return std::nullopt;
  return number;
}

std::optional<std::int64_t> parse_integer(std::string_view text) {
  const std::optional<std::string> plain = plain_number(text);
  if (!plain) return std::nullopt;
  const bool has_exponent = plain->find('e') != std::string::npos;
  if (plain->find('.') != std::string::npos && !has_exponent) return std::nullopt;
  if (has_exponent) {
    constexpr double kExact = 9007199254740992.0;  // 2^53: beyond it a double does not name one integer
    const std::optional<double> number = parse_number(text);
    if (!number || std::floor(*number) != *number || std::abs(*number) > kExact) return std::nullopt;
    return static_cast<std::int64_t>(*number);
  }
  std::int64_t integer = 0;
  const auto [end, error] = std::from_chars(plain->data(), plain->data() + plain->size(), integer);
  if (error != std::errc() || end != plain->data() + plain->size()) return std::nullopt;
  return integer;
}

std::optional<bool> parse_truth(std::string_view text) {
  if (text == "true" || text == "True" || text == "TRUE") return true;
  if (text == "false" || text == "False" || text == "FALSE") return false;
  return std::nullopt;
}

std::optional<double> parse_duration(std::string_view text) {
  if (const std::optional<double> seconds = parse_number(text)) return seconds;
  if (text.empty()) return std::nullopt;
  double total = 0;
  while (!text.empty()) {
    const std::size_t length = text.find_first_of("smhd");
    if (length == std::string_view::npos) return std::nullopt;
    const std::optional<double> number = parse_number(text.substr(0, length));
    if (!number) return std::nullopt;
    const char unit = text[length];
    total += *number * (unit == 's' ? 1 : unit == 'm' ? 60 : unit == 'h' ? 3600 : 86400);
    text.remove_prefix(length + 1);
  }
  return std::isfinite(total) ? std::optional(total) : std::nullopt;
}

std::string number_advice(std::string_view text) {
  const std::string_view digits = !text.empty() && (text[0] == '-' || text[0] == '+') ? text.substr(1) : text;
  if (digits.size() < 2 || digits[0] != '0') return "";
  if (digits[1] == 'x' || digits[1] == 'X' || digits[1] == 'o' || digits[1] == 'b') return "write it as a decimal number";
  const bool is_octal_like = std::all_of(digits.begin(), digits.end(), [](char c) { return is_digit(c) || c == '_' || c == '.'; });
  return is_octal_like ? "leading zeros are refused, some readers take them for octal" : "";
}

bool is_null_word(std::string_view text) { return text.empty() || text == "~" || text == "null" || text == "Null" || text == "NULL"; }

std::string print_number(double number) {
  char buffer[32];
  const auto [end, error] = std::to_chars(buffer, buffer + sizeof buffer, number);
  return error == std::errc() ? std::string(buffer, end) : "0";
}

std::string print_text(std::string_view text) {
  const bool is_safe = std::all_of(text.begin(), text.end(), [](char c) {
    return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == '/' || c == '.' || c == '-';
  });
  const bool starts_as_word = !text.empty() && ((text[0] | 0x20) >= 'a' && (text[0] | 0x20) <= 'z');
  const bool is_path = !text.empty() && text[0] == '/';
  if (is_safe && (starts_as_word || is_path) && !is_null_word(text) && !parse_truth(text)) {
    for (const std::string_view word : {"yes", "no", "on", "off", "y", "n"})
      if (std::equal(text.begin(), text.end(), word.begin(), word.end(), [](char a, char b) { return (a | 0x20) == b; }))
        return "\"" + std::string(text) + "\"";
    return std::string(text);
  }
  constexpr std::string_view kHex = "0123456789abcdef";
  std::string quoted = "\"";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\')
      quoted += std::string("\\") + c;
    else if (c == '\n')
      quoted += "\\n";
    else if (byte < 0x20 || byte == 0x7f)
      quoted += std::string("\\x") + kHex[byte >> 4] + kHex[byte & 15];
    else
      quoted += c;
  }
  return quoted + "\"";
}

}  // namespace phidias::configs
