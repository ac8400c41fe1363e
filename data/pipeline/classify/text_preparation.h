// What is done to a text before a classifier reads it, in training and in prediction alike.
//
// fastText cuts at white space alone, so that "energy" and "Energy," are two words. Recorded in classifier.json beside a model that was trained with it.
#pragma once

#include <string>
#include <string_view>

namespace phidias::data::pipeline {

struct TextPreparation {
  bool lower_case = false;         // each character's simple lower case (Unicode, no locale)
  bool split_punctuation = false;  // every punctuation mark and symbol a word of its own
  bool operator==(const TextPreparation&) const = default;
};

// Also takes out "</s>", at which fastText stops reading. Returns `text` itself where nothing is to be done, else a view into `scratch`. Valid UTF-8.
std::string_view prepare_text(std::string_view text, const TextPreparation& preparation, std::string& scratch);

}  // namespace phidias::data::pipeline
