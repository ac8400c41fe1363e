#include "data/pipeline/dedup/repeated_windows.h"

#include <divsufsort.h>
#include <divsufsort64.h>

#include <algorithm>
#include <limits>
#include <string>

#include "base/error.h"
#include "data/tokenizers/utf8.h"

namespace phidias::data::pipeline {
namespace {

constexpr std::int64_t kNarrow = std::numeric_limits<std::int32_t>::max();

int sort_suffixes(std::string_view text, std::vector<std::int32_t>& suffixes) {
  return divsufsort(reinterpret_cast<const sauchar_t*>(text.data()), suffixes.data(), static_cast<saidx_t>(text.size()));
}

int sort_suffixes(std::string_view text, std::vector<std::int64_t>& suffixes) {
  return divsufsort64(reinterpret_cast<const sauchar_t*>(text.data()), suffixes.data(), static_cast<saidx64_t>(text.size()));
}

// Whether two windows are equal and hold no separator.
bool equal_windows(std::string_view text, std::size_t a, std::size_t b, std::size_t minimum) {
  if (std::max(a, b) + minimum > text.size()) return false;
  return std::char_traits<char>::compare(text.data() + a, text.data() + b, minimum) == 0 && text.substr(a, minimum).find('\xff') == std::string_view::npos;
}

template <class Index>
std::vector<bool> repeated_starts(std::string_view text, std::size_t minimum, bool also_first) {
  std::vector<Index> suffixes(text.size());
  if (sort_suffixes(text, suffixes) != 0) throw DataError("the suffix array of " + std::to_string(text.size()) + " bytes cannot be built: out of memory");
  std::vector<bool> starts(text.size(), false);
  const auto at = [&](std::size_t i) { return static_cast<std::size_t>(suffixes[i]); };
  for (std::size_t begin = 0, end = 0; begin < suffixes.size(); begin = end) {
    std::size_t first = at(begin), last = first;
    for (end = begin + 1; end < suffixes.size() && equal_windows(text, at(end - 1), at(end), minimum); ++end) {
      first = std::min(first, at(end));
      last = std::max(last, at(end));
    }
    if (last < first + minimum) continue;
    for (std::size_t i = begin; i < end; ++i)
      if (at(i) >= first + minimum || (also_first && at(i) + minimum <= last)) starts[at(i)] = true;
  }
  return starts;
}

}  // namespace

std::vector<ByteSpan> repeated_spans(std::string_view text, std::size_t minimum, bool also_first) {
  std::vector<ByteSpan> spans;
  if (minimum == 0 || text.size() < 2 * minimum) return spans;
  const std::vector<bool> starts = static_cast<std::int64_t>(text.size()) < kNarrow ? repeated_starts<std::int32_t>(text, minimum, also_first)
                                                                                    : repeated_starts<std::int64_t>(text, minimum, also_first);
  for (std::size_t i = 0; i < starts.size(); ++i) {
    if (!starts[i]) continue;
    if (!spans.empty() && i <= spans.back().end)
      spans.back().end = i + minimum;
    else
      spans.push_back({i, i + minimum});
  }
  return spans;
}

std::int64_t repeated_spans_bytes(std::int64_t text_bytes) {
  const std::int64_t index = text_bytes < kNarrow ? 4 : 8;
  return text_bytes * index + text_bytes / 8 + (1 << 20);
}

ByteSpan snapped(std::string_view text, ByteSpan span, bool to_words) {
  const auto is_space = [](char c) { return c == ' ' || (c >= '\t' && c <= '\r'); };
  // What is left of the cut keeps its space, so that the words on its two sides do not become one.
  const auto may_begin = [&](std::uint64_t at) { return at == 0 || (to_words ? is_space(text[at - 1]) : !is_continuation(text[at])); };
  const auto may_end = [&](std::uint64_t at) {
    return at == text.size() || (to_words ? is_space(text[at - 1]) || is_space(text[at]) : !is_continuation(text[at]));
  };
  while (span.begin < span.end && !may_begin(span.begin)) ++span.begin;
  while (span.end > span.begin && !may_end(span.end)) --span.end;
  return span;
}

}  // namespace phidias::data::pipeline
