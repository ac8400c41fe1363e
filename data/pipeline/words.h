// What a word is. The splitter decides the verdict of most heuristic rules, so it is a named option, written into the manifest.
//
//   const WordSplitter& splitter = WordSplitter::of(SplitterKind::icu);
//   for (std::string_view word : document.words(splitter)) ...
//
// whitespace: maximal runs between Unicode white space (Python's str.split()). regex: \w+|[^\w\s]+ with Unicode classes (Python's re). icu: segments of
// ICU's word break iterator (root locale) that are not white space alone; punctuation marks are words of their own, as in datatrove's splitters.
// Classes of characters: data/pipeline/characters.h.
#pragma once

#include <array>
#include <string_view>
#include <vector>

#include "configs/enum_names.h"

namespace phidias::data::pipeline {

enum class SplitterKind { icu, whitespace, regex };

using Words = std::vector<std::string_view>;

// Immutable; a rank's threads share one.
class WordSplitter {
 public:
  static const WordSplitter& of(SplitterKind kind);  // one per kind, for the life of the process
  virtual ~WordSplitter() = default;
  virtual SplitterKind kind() const = 0;
  // Replaces `words`. `text` is valid UTF-8.
  virtual void split(std::string_view text, Words& words) const = 0;
};

}  // namespace phidias::data::pipeline

namespace phidias::configs {
template <>
inline constexpr std::array<std::string_view, 3> enum_names<data::pipeline::SplitterKind>{"icu", "whitespace", "regex"};
}
