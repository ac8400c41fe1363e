// Bytes of a text that stand in it more than once, by a suffix array (libdivsufsort).
//
// A window of `minimum` bytes is a repeat when the same bytes end before it begins: a run of one character is no repeat of itself before it is twice as
// long as the window. Windows never hold a byte 0xFF, which UTF-8 does not know: it separates documents. Suffixes with equal windows are neighbours in the
// suffix array, so comparing each with the one before it, for `minimum` bytes at most, finds all of them.
//   spans = repeated_spans("...", 100, false);     // sorted, apart: the union of all windows that are repeats
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

namespace phidias::data::pipeline {

struct ByteSpan {
  std::uint64_t begin, end;
  bool operator==(const ByteSpan&) const = default;
};

// `also_first`: also windows that are repeated later. Throws DataError when there is no memory for the suffix array.
std::vector<ByteSpan> repeated_spans(std::string_view text, std::size_t minimum, bool also_first);

// Memory of the call beside the text: 4 1/8 bytes per byte of text below 2 GiB, 8 1/8 from there.
std::int64_t repeated_spans_bytes(std::int64_t text_bytes);

// Shrinks a span of `text` (valid UTF-8) to whole characters, or to whole words: it then begins behind ASCII white space and ends
// beside it, or at an end of the text.
ByteSpan snapped(std::string_view text, ByteSpan span, bool to_words);

}  // namespace phidias::data::pipeline
