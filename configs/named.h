// A section whose keys are names that the user chooses, each with a struct of its own, in the order in which they stand.
//
// A struct may name the field that a bare value or list in its place stands for: `static constexpr const char* kShortForm = "values";`.
#pragma once

#include <string>
#include <utility>
#include <vector>

namespace phidias::configs {

template <class Struct>
using Named = std::vector<std::pair<std::string, Struct>>;

}  // namespace phidias::configs
