// Check digits of card and account numbers.
#pragma once

#include <string_view>

namespace phidias::data::pipeline {

// Luhn's sum of a string of digits (ISO/IEC 7812-1, annex B).
bool passes_luhn(std::string_view digits);
// 13 to 19 digits that begin like a card of a known network, with a right check digit, not all the same.
bool is_payment_card(std::string_view digits);
// ISO 13616: letters and digits without spaces, the length of its country, remainder 1 of 97.
bool is_iban(std::string_view characters);

}  // namespace phidias::data::pipeline
