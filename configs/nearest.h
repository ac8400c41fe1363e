// The valid word a mistyped one most likely meant.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace phidias::configs {

// Insertions, deletions, substitutions and swaps of neighbours, each one.
std::size_t edit_distance(std::string_view a, std::string_view b);
// The candidate of least distance (the first among equals), or nothing when even that one differs in more than a third of its letters
// (two letters are always allowed, but never a whole short word).
std::optional<std::string> nearest(std::string_view word, const std::vector<std::string>& candidates);
// "; did you mean X?" or empty.
std::string suggestion(std::string_view word, const std::vector<std::string>& candidates);

}  // namespace phidias::configs
