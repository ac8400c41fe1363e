// ICU's word boundaries (root locale), an order of magnitude faster than its break iterator where no dictionary is needed.
//
// The rules are UAX 29's as ICU 72 has them (a colon does not join letters, @ counts as one, full-width digits are numbers). Text between ASCII white space is
// cut here by the same rules; pieces with characters that ICU divides with dictionaries (Han, kana, Hangul, Thai, Lao, Khmer, Burmese...), and white space that
// carries a combining mark, go to ICU itself. Equal to ICU on all text: compared in the tests on random text of every class.
#pragma once

#include <string_view>

#include "data/pipeline/words.h"

namespace phidias::data::pipeline {

void split_icu_words(std::string_view text, Words& words);
// The same by ICU's break iterator alone; appends. What split_icu_words is measured and tested against.
void append_words_of_break_iterator(std::string_view text, Words& words);

}  // namespace phidias::data::pipeline
