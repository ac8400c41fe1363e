// Cuts a text into lines or paragraphs so that the pieces, joined, are the text again.
//
// A line ends with its "\n". A paragraph is a run of lines that are not blank, with the blank lines behind it; blank lines at the head of the text belong to
// the first. A blank line holds white space only.
#pragma once

#include <string_view>
#include <vector>

namespace phidias::data::pipeline {

struct TextPiece {
  std::string_view whole;  // with line ends and blank lines
  std::string_view text;   // without them, and without white space at its ends (ASCII)
};

// Replace `passages`; their views are into `text`.
void line_pieces(std::string_view text, std::vector<TextPiece>& passages);
void paragraph_pieces(std::string_view text, std::vector<TextPiece>& passages);

}  // namespace phidias::data::pipeline
