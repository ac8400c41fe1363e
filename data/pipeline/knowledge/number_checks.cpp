#include "data/pipeline/knowledge/number_checks.h"

#include <algorithm>
#include <cstdint>
#include <utility>

namespace phidias::data::pipeline {
namespace {

// Lengths by country, from the IBAN registry (SWIFT, release 99).
constexpr std::pair<std::string_view, std::size_t> kIbanLengths[] = {
    {"AD", 24}, {"AE", 23}, {"AL", 28}, {"AT", 20}, {"AZ", 28}, {"BA", 20}, {"BE", 16}, {"BG", 22}, {"BH", 22}, {"BI", 27}, {"BR", 29}, {"BY", 28}, {"CH", 21},
    {"CR", 22}, {"CY", 28}, {"CZ", 24}, {"DE", 22}, {"DJ", 27}, {"DK", 18}, {"DO", 28}, {"EE", 20}, {"EG", 29}, {"ES", 24}, {"FI", 18}, {"FK", 18}, {"FO", 18},
    {"FR", 27}, {"GB", 22}, {"GE", 22}, {"GI", 23}, {"GL", 18}, {"GR", 27}, {"GT", 28}, {"HR", 21}, {"HU", 28}, {"IE", 22}, {"IL", 23}, {"IQ", 23}, {"IS", 26},
    {"IT", 27}, {"JO", 30}, {"KW", 30}, {"KZ", 20}, {"LB", 28}, {"LC", 32}, {"LI", 21}, {"LT", 20}, {"LU", 20}, {"LV", 21}, {"LY", 25}, {"MC", 27}, {"MD", 24},
    {"ME", 22}, {"MK", 19}, {"MN", 20}, {"MR", 27}, {"MT", 31}, {"MU", 30}, {"NI", 28}, {"NL", 18}, {"NO", 15}, {"OM", 23}, {"PK", 24}, {"PL", 28}, {"PS", 29},
    {"PT", 25}, {"QA", 29}, {"RO", 24}, {"RS", 22}, {"RU", 33}, {"SA", 24}, {"SC", 31}, {"SD", 18}, {"SE", 24}, {"SI", 19}, {"SK", 24}, {"SM", 27}, {"SO", 23},
    {"ST", 25}, {"SV", 28}, {"TL", 23}, {"TN", 24}, {"TR", 26}, {"UA", 29}, {"VA", 22}, {"VG", 24}, {"XK", 20}, {"YE", 30},
};

int number_at_start(std::string_view digits, std::size_t count) {
  int value = 0;
  for (const char digit : digits.substr(0, count)) value = value * 10 + (digit - '0');
  return value;
}

}  // namespace

bool passes_luhn(std::string_view digits) {
  int sum = 0;
  for (std::size_t i = 0; i < digits.size(); ++i) {
    int value = digits[digits.size() - 1 - i] - '0';
    if (i % 2 == 1) value = value * 2 > 9 ? value * 2 - 9 : value * 2;
    sum += value;
  }
  return !digits.empty() && sum % 10 == 0;
}

bool is_payment_card(std::string_view digits) {
  if (digits.size() < 13 || digits.size() > 19 || digits.find_first_not_of(digits[0]) == std::string_view::npos) return false;
  const int two = number_at_start(digits, 2), three = number_at_start(digits, 3), four = number_at_start(digits, 4);
  const std::size_t size = digits.size();
  const bool visa = digits[0] == '4' && (size == 13 || size == 16 || size == 19);
  const bool mastercard = size == 16 && ((two >= 51 && two <= 55) || (four >= 2221 && four <= 2720));
  const bool american_express = size == 15 && (two == 34 || two == 37);
  const bool discover = size >= 16 && (four == 6011 || two == 65 || (three >= 644 && three <= 649));
  const bool diners = size == 14 && ((three >= 300 && three <= 305) || two == 36 || two == 38 || two == 39);
  const bool jcb = size >= 16 && four >= 3528 && four <= 3589;
  const bool union_pay = size >= 16 && two == 62;
  return (visa || mastercard || american_express || discover || diners || jcb || union_pay) && passes_luhn(digits);
}

bool is_iban(std::string_view characters) {
  if (characters.size() < 15) return false;
  const auto* country =
      std::find_if(std::begin(kIbanLengths), std::end(kIbanLengths), [&](const auto& entry) { return entry.first == characters.substr(0, 2); });
  if (country == std::end(kIbanLengths) || country->second != characters.size()) return false;
  int remainder = 0;
  for (std::size_t i = 0; i < characters.size(); ++i) {  // the first four characters come last
    const char c = characters[(i + 4) % characters.size()];
    if (c >= '0' && c <= '9') {
      remainder = (remainder * 10 + (c - '0')) % 97;
    } else if (c >= 'A' && c <= 'Z') {
      remainder = (remainder * 100 + (c - 'A' + 10)) % 97;
    } else {
      return false;
    }
  }
  return remainder == 1;
}

}  // namespace phidias::data::pipeline
