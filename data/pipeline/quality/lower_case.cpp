#include "data/pipeline/quality/lower_case.h"

#include <unicode/locid.h>
#include <unicode/unistr.h>

#include "data/pipeline/characters.h"

namespace phidias::data::pipeline {

void lower_case(std::string_view text, std::string& lower) {
  lower.assign(text);
  if (is_ascii(text)) {
    for (char& c : lower) c = static_cast<char>(c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c);
    return;
  }
  lower.clear();
  icu::UnicodeString::fromUTF8({text.data(), static_cast<std::int32_t>(text.size())}).toLower(icu::Locale::getRoot()).toUTF8String(lower);
}

std::string lower_case(std::string_view text) {
  std::string lower;
  lower_case(text, lower);
  return lower;
}

}  // namespace phidias::data::pipeline
