// Which language a text is in: by its script, and by character n-grams where languages share one.
//
// The script with most letters decides. Han, kana and Hangul letters count three times (they stand for about three Latin ones); Han goes with kana when at
// least a tenth of the two is kana (Japanese), with Hangul when there is more of that (Korean). Scripts of one language of the 23 tell it: Hebrew, Thai,
// Hangul, kana, Han. Latin, Cyrillic and Arabic letters go to NgramLanguageModel. Everything else is `und`, undetermined (ISO 639-3), as is a text without
// letters and one that looks like a language that is not among the 23. Score: the part of the letters that is in the winning script, times the model's
// probability.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "data/pipeline/knowledge/ngram_language_model.h"

namespace phidias::data::pipeline {

struct DetectedLanguage {
  std::string_view language = "und";  // ISO 639-1; valid as long as the model
  std::string_view script = "";       // ISO 15924 name of the script with most letters: "Latin"; empty without letters
  double score = 0;
  std::int64_t letters = 0;
};

// The languages that the built-in model can answer, sorted.
const std::vector<std::string>& built_in_languages();

// Scratch memory of one thread.
class LanguageDetector {
 public:
  explicit LanguageDetector(const NgramLanguageModel& model);
  // `text` is valid UTF-8.
  DetectedLanguage detect(std::string_view text);

 private:
  void scan(std::string_view text);

  const NgramLanguageModel& model_;
  std::vector<NgramEvidence> evidence_;  // Latin, Cyrillic, Arabic
  std::vector<std::int64_t> letters_;    // per script
  std::vector<double> probabilities_;
};

}  // namespace phidias::data::pipeline
