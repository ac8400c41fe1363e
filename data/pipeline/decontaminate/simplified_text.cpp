#include "data/pipeline/decontaminate/simplified_text.h"

#include "data/pipeline/dedup/text_normaliser.h"

namespace phidias::data::pipeline {

std::string simplified_text(std::string_view text) {
  static const TextNormaliser normaliser;
  NormalisedText simple;
  normaliser.normalise(text, simple);
  return std::string(simple.view());
}

}  // namespace phidias::data::pipeline
