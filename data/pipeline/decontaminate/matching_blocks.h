// The common parts of two texts as Python's difflib finds them, and the two measures of likeness built on common parts.
//
// SequenceMatcher (autojunk=False) takes the longest common run (of equal ones the first in `a`, then the first in `b`), then does the same left and right of
// it (Ratcliff and Obershelp). Time: the length of `a` times the occurrences of its characters in `b`, for every run found.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace phidias::data::pipeline {

struct MatchingBlock {
  std::size_t a = 0, b = 0, size = 0;
  bool operator==(const MatchingBlock&) const = default;
};

// In the order of `a`; neighbouring blocks joined, without difflib's closing empty one.
std::vector<MatchingBlock> matching_blocks(std::u32string_view a, std::u32string_view b);

// Cosmopedia's measure: blocks of more than 5 characters put together, runs of white space as one space, their length as a part of the item's.
double matched_part(std::u32string_view document, std::u32string_view item);

// Hashes of a text's runs of 6 characters, rising: what long blocks are made of.
std::vector<std::uint64_t> character_runs(std::u32string_view text);
// What matched_part() is at most, in one pass over the item: the part of its characters that lie in runs of 6 which the document has as well.
double matched_part_bound(const std::vector<std::uint64_t>& document_runs, std::u32string_view item);

// Length of the longest common subsequence of two lists of words, as a part of `question`'s words (0 for no words).
double common_words(const std::vector<std::string_view>& question, const std::vector<std::string_view>& passage);

// `text` is valid UTF-8.
std::u32string code_points(std::string_view text);

}  // namespace phidias::data::pipeline
