// datatrove's simplify_text: what its n-grams are taken from.
//
// In this order: lower case; every number (digits of any script, one decimal mark inside) becomes 0; datatrove's list of punctuation and control
// characters becomes spaces; runs of white space become one space; decomposed (NFD) with non-spacing marks dropped. Source: datatrove 0.10.1, utils/text.py.
#pragma once

#include <string>
#include <string_view>

namespace phidias::data::pipeline {

std::string simplified_text(std::string_view text);

}  // namespace phidias::data::pipeline
