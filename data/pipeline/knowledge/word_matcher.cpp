#include "data/pipeline/knowledge/word_matcher.h"

#include <unicode/uchar.h>

#include <algorithm>

#include "data/tokenizers/utf8.h"

namespace phidias::data::pipeline {
namespace {

bool is_word_character(std::uint32_t c) {
  return (CharacterClasses::get().of(c) & (CharacterClasses::letter | CharacterClasses::number | CharacterClasses::mark)) != 0;
}

bool is_boundary(std::string_view text, std::size_t position) {
  return position == 0 || position == text.size() || !is_word_character(decode_utf8_before(text.data() + position)) ||
         !is_word_character(decode_utf8(text.data() + position));
}

std::int64_t spaces(std::string_view text) { return std::count(text.begin(), text.end(), ' '); }

}  // namespace

WordMatcher::WordMatcher(std::span<const std::string> entries, bool fold_case, bool word_boundaries)
    : fold_case_(fold_case), word_boundaries_(word_boundaries) {
  std::vector<std::string> folded;
  for (const std::string& entry : entries) {
    std::string one;
    fold(entry, one);
    while (!one.empty() && one.back() == ' ') one.pop_back();
    if (!one.empty()) folded.push_back(std::move(one));
  }
  std::sort(folded.begin(), folded.end());
  folded.erase(std::unique(folded.begin(), folded.end()), folded.end());
  entries_ = folded.size();
  build(folded);
  link();
}

// Level by level over the sorted entries, so that a node's edges lie together.
void WordMatcher::build(std::vector<std::string>& folded) {
  struct Range {
    std::size_t begin, end;  // entries that share the node's path
    std::uint32_t depth;
  };
  std::vector<Range> ranges = {{0, folded.size(), 0}};
  nodes_.emplace_back();
  for (std::size_t node = 0; node < nodes_.size(); ++node) {
    auto [begin, end, depth] = ranges[node];
    if (begin < end && folded[begin].size() == depth) {
      nodes_[node].length = depth;
      ++begin;
    }
    nodes_[node].first_edge = static_cast<std::uint32_t>(edges_.size());
    while (begin < end) {
      const char byte = folded[begin][depth];
      std::size_t stop = begin;
      while (stop < end && folded[stop][depth] == byte) ++stop;
      edges_.push_back({static_cast<unsigned char>(byte), static_cast<std::uint32_t>(nodes_.size())});
      nodes_.emplace_back();
      ranges.push_back({begin, stop, depth + 1});
      begin = stop;
    }
    nodes_[node].edges = static_cast<std::uint32_t>(edges_.size()) - nodes_[node].first_edge;
  }
  for (std::uint32_t i = 0; i < nodes_[0].edges; ++i) root_[edges_[i].byte] = edges_[i].node;
}

// Nodes stand in the order of their depth, so a fail link's target is done before its source.
void WordMatcher::link() {
  for (std::uint32_t node = 0; node < nodes_.size(); ++node) {
    const Node parent = nodes_[node];
    for (std::uint32_t i = 0; i < parent.edges; ++i) {
      const Edge& edge = edges_[parent.first_edge + i];
      Node& target = nodes_[edge.node];
      target.fail = node == 0 ? 0 : step(parent.fail, edge.byte);
      target.output = nodes_[target.fail].length > 0 ? target.fail : nodes_[target.fail].output;
    }
  }
}

std::uint32_t WordMatcher::child(std::uint32_t node, unsigned char byte) const {
  if (node == 0) return root_[byte];
  const auto first = edges_.begin() + static_cast<std::ptrdiff_t>(nodes_[node].first_edge), last = first + static_cast<std::ptrdiff_t>(nodes_[node].edges);
  const auto found = std::lower_bound(first, last, byte, [](const Edge& edge, unsigned char value) { return edge.byte < value; });
  return found != last && found->byte == byte ? found->node : 0;
}

std::uint32_t WordMatcher::step(std::uint32_t node, unsigned char byte) const {
  for (;;) {
    const std::uint32_t next = child(node, byte);
    if (next != 0 || node == 0) return next;
    node = nodes_[node].fail;
  }
}

void WordMatcher::fold(std::string_view text, std::string& folded) const {
  folded.clear();
  for (std::size_t i = 0; i < text.size();) {
    const char lead = text[i];
    std::uint32_t c = static_cast<unsigned char>(lead);
    if (c < 0x80) {
      ++i;
      if (fold_case_ && c >= 'A' && c <= 'Z') c += 'a' - 'A';
    } else {
      c = decode_utf8(text.data() + i);
      i += static_cast<std::size_t>(utf8_length(lead));
      if (fold_case_) c = static_cast<std::uint32_t>(u_foldCase(static_cast<UChar32>(c), U_FOLD_CASE_DEFAULT));
    }
    const bool space = c < 0x80 ? c == ' ' || (c >= 9 && c <= 13) : u_isUWhiteSpace(static_cast<UChar32>(c)) != 0;
    if (!space) {
      append_utf8(folded, c);
    } else if (!folded.empty() && folded.back() != ' ') {
      folded += ' ';
    }
  }
}

WordMatches WordMatcher::match(std::string_view text, Scratch& scratch) const {
  fold(text, scratch.folded);
  scratch.found.clear();
  const std::string& folded = scratch.folded;
  std::uint32_t node = 0;
  for (std::size_t i = 0; i < folded.size(); ++i) {
    node = step(node, static_cast<unsigned char>(folded[i]));
    for (std::uint32_t at = nodes_[node].length > 0 ? node : nodes_[node].output; at != 0; at = nodes_[at].output) {
      const std::size_t begin = i + 1 - nodes_[at].length;
      if (!word_boundaries_ || (is_boundary(folded, begin) && is_boundary(folded, i + 1)))
        scratch.found.emplace_back(static_cast<std::uint32_t>(begin), static_cast<std::uint32_t>(i + 1));
    }
  }
  std::sort(scratch.found.begin(), scratch.found.end(),
            [](const auto& a, const auto& b) { return a.first != b.first ? a.first < b.first : a.second > b.second; });
  WordMatches matches;
  std::uint32_t end = 0;
  for (const auto& [from, to] : scratch.found) {
    if (from < end) continue;
    ++matches.matches;
    matches.matched_words += 1 + spaces(std::string_view(folded).substr(from, to - from));
    end = to;
  }
  matches.words = folded.empty() ? 0 : spaces(folded) + (folded.back() != ' ');
  return matches;
}

}  // namespace phidias::data::pipeline
