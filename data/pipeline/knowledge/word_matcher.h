// Finds the words and phrases of a list in a text, all in one pass (Aho and Corasick, 1975).
//
// Text and entries are folded first: upper to lower case (Unicode simple case folding, when asked), runs of white space to one space. Of overlapping matches
// the leftmost counts, of those that start together the longest. With word boundaries a match neither follows nor precedes a letter, digit or mark.
// Time: linear in the text plus the matches; memory: a few dozen bytes per byte of the list.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace phidias::data::pipeline {

struct WordMatches {
  std::int64_t matches = 0;        // of the list's entries
  std::int64_t matched_words = 0;  // words in them
  std::int64_t words = 0;          // of the text; runs between white space
};

class WordMatcher {
 public:
  // Scratch memory of one thread.
  struct Scratch {
    std::string folded;
    std::vector<std::pair<std::uint32_t, std::uint32_t>> found;  // begin and end in `folded`
  };
  // Entries are valid UTF-8; empty ones are left out.
  WordMatcher(std::span<const std::string> entries, bool fold_case, bool word_boundaries);
  WordMatches match(std::string_view text, Scratch& scratch) const;
  std::size_t entries() const { return entries_; }

 private:
  struct Node {
    std::uint32_t first_edge = 0, edges = 0;
    std::uint32_t fail = 0;    // node of the longest proper suffix that begins an entry
    std::uint32_t output = 0;  // next node along the fail links that ends an entry; 0: none
    std::uint32_t length = 0;  // of the entry that ends here; 0: none
  };
  struct Edge {
    unsigned char byte;
    std::uint32_t node;
  };
  void build(std::vector<std::string>& folded);
  void link();
  std::uint32_t child(std::uint32_t node, unsigned char byte) const;  // 0: none
  std::uint32_t step(std::uint32_t node, unsigned char byte) const;
  void fold(std::string_view text, std::string& folded) const;

  bool fold_case_, word_boundaries_;
  std::size_t entries_ = 0;
  std::vector<Node> nodes_;
  std::vector<Edge> edges_;
  std::array<std::uint32_t, 256> root_{};
};

}  // namespace phidias::data::pipeline
