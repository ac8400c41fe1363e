// What stands around a number or an address in a text: whether it is a whole one, and whether it is a number of another sort.
#pragma once

#include <cstddef>
#include <string_view>

namespace phidias::data::pipeline {

inline bool is_digit(char c) { return c >= '0' && c <= '9'; }
inline bool is_ascii_alnum(char c) { return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

// Whether [begin, end) is not part of something longer: no letter, digit or "_" on either side, no "." or "-" that a digit or letter follows or precedes.
bool stands_alone(std::string_view text, std::size_t begin, std::size_t end);
// A regular expression's \b at `position`, which stands before an ASCII character: by ASCII alone, or with letters and digits of all scripts.
bool is_word_boundary(std::string_view text, std::size_t position, bool by_unicode);
// Whether what looks like a phone number is an ISBN, ISSN, DOI, arXiv or issue number, a date, or part of a page's address. A word such as "Tel." in front
// of it settles the matter.
bool is_another_number(std::string_view text, std::size_t begin, std::size_t end);

}  // namespace phidias::data::pipeline
