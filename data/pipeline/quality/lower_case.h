// Lower case of Unicode text, language-independent: Python's str.lower(), with the final sigma and characters that become several.
#pragma once

#include <string>
#include <string_view>

namespace phidias::data::pipeline {

std::string lower_case(std::string_view text);
// Replaces `lower`.
void lower_case(std::string_view text, std::string& lower);

}  // namespace phidias::data::pipeline
