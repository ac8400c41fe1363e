// Texts as normalised words that remember where they stand: what n-grams of evaluation items and of documents are compared by.
//
//   NormalWords words;
//   normalise(document, WordForm::plain, splitter, words);
//   words.span(3, 13)          // words 3 to 15 with one space between them
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "data/pipeline/words.h"

namespace phidias::data::pipeline {

enum class WordForm {
  ascii,       // runs of non-space with ASCII punctuation deleted and ASCII letters lowered (lm-eval's janitor); a run of punctuation alone is no word
  plain,       // the same with every letter lowered (GPT-3, NeMo Curator)
  token,       // maximal runs of \w (Python) of the lowered text decomposed by NFD without non-spacing marks (Cosmopedia)
  simplified,  // the splitter's words of simplified_text() (datatrove); they do not know where they stand
};

struct TextRange {
  std::uint32_t begin = 0, end = 0;
};

struct NormalWords {
  std::string text;                   // words with one space between them
  std::vector<std::uint32_t> starts;  // of each word in `text`; one more entry: text.size() + 1 (0 without words)
  std::vector<TextRange> origin;      // of each word in the text it came from; empty for `simplified`

  std::size_t size() const { return starts.empty() ? 0 : starts.size() - 1; }
  std::string_view span(std::size_t first, std::size_t count) const {
    return std::string_view(text).substr(starts[first], starts[first + count] - 1 - starts[first]);
  }
  void clear();
  void add(std::string_view word, TextRange from);
  void finish();
};

// Replaces `words`. `text` is valid UTF-8 of less than 4 GiB; `splitter` plays a part for `simplified` alone.
void normalise(std::string_view text, WordForm form, const WordSplitter& splitter, NormalWords& words);

}  // namespace phidias::data::pipeline
