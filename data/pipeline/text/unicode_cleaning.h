// Characters that text should not hold: line ends of all kinds, control characters, characters without width, odd spaces.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "configs/enum_names.h"

namespace phidias::data::pipeline {

enum class ZeroWidth { keep, joiners, remove };

struct CleaningRules {
  ZeroWidth zero_width = ZeroWidth::joiners;  // joiners: only U+200C and U+200D, which scripts and emoji need, stay
  bool soft_hyphens = false, directional_marks = true, private_use = true, replacement = true;  // stay
  bool plain_spaces = true;                                                                     // no-break, thin, ideographic ... spaces become a space
  bool straight_quotes = false;
};

struct CleaningCounts {
  std::int64_t private_use = 0, replacement = 0;  // U+FFFD
};

// Appends `text` (valid UTF-8) as the rules have it. Always: CR, CR LF, U+0085, U+2028 and U+2029 become \n; other control characters but \n and \t, and
// U+FEFF, interlinear marks and noncharacters, go.
void clean_characters(std::string_view text, const CleaningRules& rules, std::string& out, CleaningCounts& counts);

struct LayoutRules {
  std::int64_t max_newlines = 2;  // in a row; 0: any number
  bool strip_lines = true;        // white space at the ends of lines
  bool strip_text = true;         // at both ends of the text
  bool collapse_spaces = false;   // runs of spaces and tabs but at the start of a line become a space
};

// Appends.
void lay_out(std::string_view text, const LayoutRules& rules, std::string& out);

// Whether clean_characters and lay_out would give back the text, known for plain ASCII alone: false elsewhere. At memory speed.
bool is_clean_ascii(std::string_view text, const LayoutRules& rules);

}  // namespace phidias::data::pipeline

namespace phidias::configs {
template <>
inline constexpr std::array<std::string_view, 3> enum_names<data::pipeline::ZeroWidth>{"keep", "joiners", "remove"};
}
