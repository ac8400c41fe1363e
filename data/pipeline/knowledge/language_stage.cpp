#include "data/pipeline/knowledge/language_stage.h"

#include <algorithm>

#include "base/error.h"
#include "base/hash.h"
#include "data/pipeline/knowledge/embedded_models.h"
#include "data/pipeline/knowledge/language_detector.h"

namespace phidias::data::pipeline {

class LanguageWorker final : public DocumentWorker {
 public:
  explicit LanguageWorker(const LanguageStage& stage) : stage_(stage), detector_(NgramLanguageModel::built_in()) {}

  void process(Document& document) override {
    DetectedLanguage detected = detector_.detect(document.text());
    if (stage_.classifier_) {
      classify(document.text(), detected);
    } else if (!detected.script.empty()) {
      document.annotations().set(stage_.script_name_, detected.script);
    }
    document.annotations().set("language", detected.language);
    document.annotations().set("language_score", detected.score);
    document.annotations().set(stage_.letters_name_, static_cast<double>(detected.letters));
    decide(document, detected);
  }

 private:
  void classify(const std::string& text, DetectedLanguage& detected) {
    const auto probabilities = stage_.classifier_->probabilities(text, scratch_);
    const auto best = std::max_element(probabilities.begin(), probabilities.end());  // the first of equals
    const bool knows = best != probabilities.end() && *best > 0;
    detected.language = knows ? std::string_view(stage_.classifier_->labels()[static_cast<std::size_t>(best - probabilities.begin())]) : "und";
    detected.score = knows ? static_cast<double>(*best) : 0;
  }

  void decide(Document& document, const DetectedLanguage& detected) const {
    const auto& keep = stage_.config_.keep;
    if (keep.empty()) return;
    if (detected.letters < stage_.config_.minimum_characters) return document.drop("minimum_characters");
    if (std::find(keep.begin(), keep.end(), detected.language) == keep.end()) return document.drop("not_kept");
    if (!(detected.score > stage_.config_.threshold)) document.drop("threshold");
  }

  const LanguageStage& stage_;
  LanguageDetector detector_;
  FastTextClassifier::Scratch scratch_;
};

LanguageStage::LanguageStage(const Config& config, const StageSetup& setup)
    : Stage(setup), config_(config), letters_name_(qualified("letters")), script_name_(qualified("script")) {
  if (!config.model.empty()) classifier_ = FastTextClassifier::load(config.model);
  const std::vector<std::string>& known = classifier_ ? classifier_->labels() : built_in_languages();
  for (const std::string& language : config.keep) {
    if (language == "und" || std::find(known.begin(), known.end(), language) != known.end()) continue;
    std::string list;
    for (const std::string& code : known) list += (list.empty() ? "" : ", ") + code;
    throw ConfigError(name() + ".keep: the model does not know the language '" + language + "'; it knows " + list);
  }
}

std::unique_ptr<StageWorker> LanguageStage::worker() const { return std::make_unique<LanguageWorker>(*this); }

std::vector<std::filesystem::path> LanguageStage::resources() const {
  if (config_.model.empty()) return {};
  return {config_.model};
}

std::vector<std::pair<std::string, std::string>> LanguageStage::notes() const {
  if (classifier_) return {};
  return {{"model", "built-in, " + hash_string(embedded_language_model()).hex()}};
}

}  // namespace phidias::data::pipeline
