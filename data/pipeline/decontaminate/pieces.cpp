#include "data/pipeline/decontaminate/pieces.h"

#include <algorithm>

#include "data/tokenizers/utf8.h"

namespace phidias::data::pipeline {
namespace {

// Byte offsets of characters: position i of the text in characters <-> bytes.
class Characters {
 public:
  explicit Characters(std::string_view text) {
    for (std::size_t i = 0; i < text.size(); i += static_cast<std::size_t>(utf8_length(text[i]))) offsets_.push_back(static_cast<std::uint32_t>(i));
    offsets_.push_back(static_cast<std::uint32_t>(text.size()));
  }
  std::int64_t count() const { return static_cast<std::int64_t>(offsets_.size()) - 1; }
  std::int64_t of_byte(std::uint32_t byte) const { return std::lower_bound(offsets_.begin(), offsets_.end(), byte) - offsets_.begin(); }
  std::uint32_t byte(std::int64_t character) const { return offsets_[static_cast<std::size_t>(std::clamp<std::int64_t>(character, 0, count()))]; }
  TextRange bytes(std::int64_t begin, std::int64_t end) const { return {byte(begin), byte(end)}; }

 private:
  std::vector<std::uint32_t> offsets_;
};

using Pieces = std::optional<std::vector<TextRange>>;

Pieces cut_window(const Characters& characters, std::span<const TextRange> matches, const CutLimits& limits) {
  std::vector<std::pair<std::int64_t, std::int64_t>> between;
  std::int64_t from = 0;
  for (const TextRange& match : matches) {
    const std::int64_t begin = std::max<std::int64_t>(0, characters.of_byte(match.begin) - limits.window);
    if (begin > from) between.emplace_back(from, begin);
    from = std::max(from, std::min(characters.count(), characters.of_byte(match.end) + limits.window));
  }
  if (characters.count() > from) between.emplace_back(from, characters.count());
  if (static_cast<std::int64_t>(between.size()) > limits.maximum_pieces) return std::nullopt;
  std::vector<TextRange> pieces;
  for (const auto& [begin, end] : between)
    if (end - begin >= limits.minimum_piece) pieces.push_back(characters.bytes(begin, end));
  return pieces;
}

// As lm_eval's _split_chunks, whose `end` is the last character of the match.
Pieces cut_janitor(const Characters& characters, std::span<const TextRange> matches, const CutLimits& limits) {
  if (static_cast<std::int64_t>(matches.size()) > limits.maximum_pieces) return std::nullopt;
  std::vector<TextRange> pieces;
  std::int64_t from = 0, end = -1;
  for (const TextRange& match : matches) {
    const std::int64_t begin = std::max<std::int64_t>(0, characters.of_byte(match.begin) - limits.window);
    end = std::min(characters.count(), characters.of_byte(match.end) - 1 + limits.window);
    if (begin - from > limits.minimum_piece) pieces.push_back(characters.bytes(from, begin));
    from = end;
  }
  if (end < characters.count() - limits.minimum_piece) pieces.push_back(characters.bytes(end + 1, characters.count()));
  return pieces;
}

Pieces cut_sentences(std::string_view text, const Characters& characters, std::span<const TextRange> matches, const CutLimits& limits) {
  const auto ends_sentence = [&](std::int64_t character) {
    const char c = text[characters.byte(character)];
    return c == '.' || c == '!' || c == '?';
  };
  std::vector<TextRange> pieces;
  std::int64_t from = 0;
  const std::int64_t count = characters.count();
  for (const TextRange& match : matches) {
    const std::int64_t begin = characters.of_byte(match.begin);
    if (begin < from) continue;
    std::int64_t left = begin - limits.window;
    while (left > from && !ends_sentence(left)) --left;
    if (left > from && left + 1 - from > limits.minimum_piece) pieces.push_back(characters.bytes(from, left + 1));
    std::int64_t right = characters.of_byte(match.end) + limits.window;
    while (right < count && !ends_sentence(right)) ++right;
    from = right + 1;
    if (count - from <= limits.minimum_piece) {
      from = count;
      break;
    }
  }
  if (from < count) pieces.push_back(characters.bytes(from, count));
  if (static_cast<std::int64_t>(pieces.size()) > limits.maximum_pieces) return std::nullopt;
  return pieces;
}

}  // namespace

Pieces cut_out(std::string_view text, std::span<const TextRange> matches, CutRule rule, const CutLimits& limits) {
  const Characters characters(text);
  switch (rule) {
    case CutRule::window:
      return cut_window(characters, matches, limits);
    case CutRule::janitor:
      return cut_janitor(characters, matches, limits);
    case CutRule::sentence:
      break;
  }
  return cut_sentences(text, characters, matches, limits);
}

std::string joined_pieces(std::string_view text, std::span<const TextRange> pieces) {
  std::string joined;
  for (const TextRange& piece : pieces) {
    if (!joined.empty()) joined += "\n\n";
    joined += text.substr(piece.begin, piece.end - piece.begin);
  }
  return joined;
}

}  // namespace phidias::data::pipeline
