// What a browser shows of an HTML page, counted: text outside of head, script, style, noscript and template, runs of white space as one character.
#pragma once

#include <cstddef>
#include <string_view>

namespace phidias::data::pipeline {

// Characters (code points). Any bytes; never fails.
std::size_t visible_characters(std::string_view html);

}  // namespace phidias::data::pipeline
