// What is left of a document when contaminated places are cut out of it, by each tool's own rule. Lengths are in characters (code points).
//
// window (gpt3): matched n-grams with the window around them are removed, overlapping ones as one; the pieces between them stay when they are long enough; a
//   document that falls into more than maximum_pieces is dropped.
// janitor: lm-eval's arithmetic, n-gram by n-gram: overlapping n-grams count one by one against maximum_pieces (so a copied passage of 23 words is already too
//   dirty), a piece is kept when it is longer than the minimum.
// sentence (curator): from the left, each match is cut out with the window, and further out to the next . ! or ? on either side; a piece is kept when it is
//   longer than the minimum.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "data/pipeline/decontaminate/normal_words.h"

namespace phidias::data::pipeline {

enum class CutRule { window, janitor, sentence };

struct CutLimits {
  std::int64_t window = 200, minimum_piece = 200, maximum_pieces = 10;
};

// Pieces as bytes of `text`, which is valid UTF-8, in order. `matches` rise in `begin` and are not empty. Nothing: the document falls into too many pieces.
std::optional<std::vector<TextRange>> cut_out(std::string_view text, std::span<const TextRange> matches, CutRule rule, const CutLimits& limits);

// With an empty line between them.
std::string joined_pieces(std::string_view text, std::span<const TextRange> pieces);

}  // namespace phidias::data::pipeline
