// A text cut into passages of about so many words, for classifiers that look at parts of a page.
//
// A passage is a run of whole lines; it ends with the line that brings it to `words` words. A line that would bring it beyond twice that many is cut behind
// the word that makes the number full. A rest of less than a quarter of `words` joins the passage before it. Passages touch: joined they are the text.
#pragma once

#include <cstddef>
#include <string_view>
#include <vector>

namespace phidias::data::pipeline {

struct Passage {
  std::string_view text;
  std::size_t words = 0;  // runs between ASCII white space
};

// Replaces `passages`; none for a text without a word.
void split_passages(std::string_view text, std::size_t words, std::vector<Passage>& passages);
// One passage per line that has a word, line end included.
void split_lines(std::string_view text, std::vector<Passage>& passages);

}  // namespace phidias::data::pipeline
