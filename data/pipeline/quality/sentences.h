// Where sentences end: three named rules, since every tool has its own.
//
// spaced: after a run of terminal punctuation and the closing quotes and brackets behind it, when white space or the end follows or a mark of the run is not
//   ASCII ("。" needs no space). What is left at the end is a sentence. Close to spaCy's rule-based splitter, datatrove's for English.
// terminal: datatrove's rule for languages without a splitter of their own (WhitespaceTokenizer in word_tokenizers.py): after any run of terminal punctuation
//   and newlines and one quote; a capital letter and its full stop are skipped together. What is left at the end belongs to the last sentence.
// icu: ICU's sentence iterator, root locale.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>
#include <vector>

#include "configs/enum_names.h"

namespace phidias::data::pipeline {

enum class SentenceRule { spaced, terminal, icu };

// Ends of the sentences in bytes, rising, the last one text.size(); at least one, also for an empty text. Replaces `ends`.
void split_sentences(std::string_view text, SentenceRule rule, std::vector<std::size_t>& ends);

}  // namespace phidias::data::pipeline

namespace phidias::configs {
template <>
inline constexpr std::array<std::string_view, 3> enum_names<data::pipeline::SentenceRule>{"spaced", "terminal", "icu"};
}
