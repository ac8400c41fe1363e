// Tells the language of documents, and keeps those of some.
//
//   stages:
//     - language: {keep: [en, de], threshold: 0.65}
//     - language: {model: lid.176.ftz, keep: [en]}
//
// Annotations: language (ISO 639-1, or `und`), language_score (0 to 1), <name>.letters, and with the built-in model <name>.script.
// Reasons, when `keep` names languages: minimum_characters (fewer letters), not_kept (another language), threshold (score not above it).
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "data/pipeline/classify/fasttext_classifier.h"
#include "data/pipeline/stage.h"

namespace phidias::data::pipeline {

class LanguageStage final : public Stage {
 public:
  struct Config {
    std::string model;
    std::vector<std::string> keep;
    double threshold = 0.65;
    std::int64_t minimum_characters = 0;
  };
  // Throws ConfigError for a language that the model does not know.
  LanguageStage(const Config& config, const StageSetup& setup);
  std::unique_ptr<StageWorker> worker() const override;
  std::vector<std::filesystem::path> resources() const override;
  std::vector<std::pair<std::string, std::string>> notes() const override;

 private:
  friend class LanguageWorker;
  Config config_;
  std::optional<FastTextClassifier> classifier_;
  std::string letters_name_, script_name_;
};

template <class Visitor>
void visit(LanguageStage::Config& c, Visitor& v) {
  v.field(
      c.model,
      {.key = "model", .doc = "fastText model of languages (lid.176.bin or .ftz, labels `__label__xx`)", .default_text = "the built-in model of 23 languages"});
  v.field(c.keep,
          {.key = "keep", .doc = "languages that stay (ISO 639-1; `und` for undetermined); the others are dropped", .default_text = "all: annotate only"});
  v.field(c.threshold, {.key = "threshold", .doc = "the score must be above it", .minimum = 0, .maximum = 1, .is_below = true});
  v.field(c.minimum_characters, {.key = "minimum_characters", .doc = "documents with fewer letters are dropped (cc_net: 300 characters)", .minimum = 0});
}

}  // namespace phidias::data::pipeline
