// Finds C4's phrases in any mix of cases: "lorem ipsum", "javascript", and those that speak of policies.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace phidias::data::pipeline {

enum C4Phrases : std::uint8_t { kLoremIpsum = 1, kJavascript = 2, kPolicy = 4 };

// Bits of what stands in str.lower() of the text. The Kelvin sign is the one foreign character whose lower case is an ASCII letter alone.
std::uint8_t find_c4_phrases(std::string_view text);

}  // namespace phidias::data::pipeline
