#include "data/pipeline/classify/classifier_stage.h"

#include <algorithm>

#include "base/error.h"
#include "data/pipeline/classify/passages.h"

namespace phidias::data::pipeline {
namespace {

namespace fs = std::filesystem;

fs::path description_of(const ClassifierStage::Config& config) {
  if (!config.description.empty()) return config.description;
  const fs::path beside = fs::path(config.model).parent_path() / "classifier.json";
  return fs::exists(beside) ? beside : fs::path();
}

void check(const ClassifierStage::Config& config, const std::string& name) {
  const auto refuse = [&](const std::string& what) { throw ConfigError("stage " + name + ": " + what); };
  if (!config.threshold && (config.cut_low || config.aggregate == ScoreAggregate::share)) refuse("cut_low and aggregate: share need a threshold");
  if (config.over == ScoredUnit::document && config.cut_low) refuse("cut_low needs over: passages or over: lines");
  if (config.over == ScoredUnit::document && config.aggregate != ScoreAggregate::mean) refuse("aggregate needs over: passages or over: lines");
  if (config.score != ScoreKind::label && config.score != ScoreKind::automatic && !config.label.empty()) refuse("label plays no part with this score");
}

}  // namespace

ClassifierStage::ClassifierStage(const Config& config, const StageSetup& setup)
    : Stage(setup), config_(config), model_(FastTextClassifier::load(config.model)), description_path_(description_of(config)) {
  check(config, setup.name);
  if (!description_path_.empty()) description_ = read_classifier_description(description_path_);
  const bool as_described = config.score == ScoreKind::automatic && config.label.empty();
  try {
    rule_.emplace(as_described ? description_.score : config.score, as_described ? description_.label : config.label, model_);
  } catch (const ConfigError& error) {
    throw ConfigError("stage " + setup.name + ": " + error.what());
  }
  // A curve belongs to the score that it was fitted on.
  const bool same_score = as_described || (rule_->kind() == description_.score && rule_->label() == description_.label);
  if (!config.calibrate || !same_score) description_.calibration = {};
  if (config_.annotation.empty()) config_.annotation = setup.name;
  if (!description_.calibration.empty() && config.aggregate != ScoreAggregate::share) raw_name_ = config_.annotation + "_raw";
  passages_name_ = qualified("passages");
  cut_name_ = qualified("cut_passages");
}

std::vector<fs::path> ClassifierStage::resources() const {
  std::vector<fs::path> files{config_.model};
  if (!description_path_.empty()) files.push_back(description_path_);
  return files;
}

std::vector<std::pair<std::string, std::string>> ClassifierStage::notes() const {
  const std::string score = rule_->kind() == ScoreKind::label ? "probability of " + rule_->label() : std::string(configs::enum_name(rule_->kind()));
  const TextPreparation& preparation = description_.preparation;
  return {{"score", score},
          {"calibrated", description_.calibration.empty() ? "no" : "yes"},
          {"lower case", preparation.lower_case ? "yes" : "no"},
          {"punctuation split", preparation.split_punctuation ? "yes" : "no"},
          {"model memory bytes", std::to_string(model_.memory_bytes())}};
}

class ClassifierWorker final : public DocumentWorker {
 public:
  explicit ClassifierWorker(const ClassifierStage& stage) : stage_(stage), config_(stage.config_) {}

  void process(Document& document) override {
    if (config_.over == ScoredUnit::document) return whole(document);
    if (!config_.top_label.empty()) annotate_top_label(document, probabilities(document.text()));
    if (config_.over == ScoredUnit::lines)
      split_lines(document.text(), parts_);
    else
      split_passages(document.text(), static_cast<std::size_t>(config_.passage_words), parts_);
    raw_.clear();
    scores_.clear();
    for (const Passage& part : parts_) {
      raw_.push_back((*stage_.rule_)(probabilities(part.text).data()));
      scores_.push_back(stage_.description_.calibration(raw_.back()));
    }
    decide(document);
  }

 private:
  std::span<const float> probabilities(std::string_view text) {
    return stage_.model_.probabilities(prepare_text(text, stage_.description_.preparation, prepared_), scratch_);
  }

  void whole(Document& document) {
    const std::span<const float> p = probabilities(document.text());
    const double raw = (*stage_.rule_)(p.data()), value = stage_.description_.calibration(raw);
    annotate(document, value, raw);
    if (!config_.top_label.empty()) annotate_top_label(document, p);
    if (config_.threshold && value < *config_.threshold) document.drop("low_score");
  }

  void annotate(Document& document, double value, double raw) const {
    document.annotations().set(config_.annotation, value);
    if (!stage_.raw_name_.empty()) document.annotations().set(stage_.raw_name_, raw);
  }

  void annotate_top_label(Document& document, std::span<const float> p) const {
    const auto best = std::max_element(p.begin(), p.end());
    if (*best > 0) document.annotations().set(config_.top_label, stage_.model_.labels()[static_cast<std::size_t>(best - p.begin())]);
  }

  double aggregate(const std::vector<double>& scores) const {
    if (parts_.empty()) return 0;
    if (config_.aggregate == ScoreAggregate::max) return *std::max_element(scores.begin(), scores.end());
    if (config_.aggregate == ScoreAggregate::minimum) return *std::min_element(scores.begin(), scores.end());
    double sum = 0, words = 0;
    for (std::size_t i = 0; i < parts_.size(); ++i) {
      const auto weight = static_cast<double>(parts_[i].words);
      sum += weight * (config_.aggregate == ScoreAggregate::mean ? scores[i] : scores[i] >= *config_.threshold ? 1.0 : 0.0);
      words += weight;
    }
    return sum / words;
  }

  void decide(Document& document) {
    const double value = aggregate(scores_);
    annotate(document, value, stage_.raw_name_.empty() ? 0 : aggregate(raw_));
    document.annotations().set(stage_.passages_name_, static_cast<double>(parts_.size()));
    if (!config_.threshold) return;
    if (config_.cut_low) return cut(document);
    if (value < (config_.aggregate == ScoreAggregate::share ? config_.minimum_share : *config_.threshold)) document.drop("low_score");
  }

  void cut(Document& document) {
    const auto low = std::count_if(scores_.begin(), scores_.end(), [&](double score) { return score < *config_.threshold; });
    document.annotations().set(stage_.cut_name_, static_cast<double>(low));
    if (low == 0 && !parts_.empty()) return;
    if (static_cast<std::size_t>(low) == parts_.size()) return document.drop("no_passage_left");
    std::string kept;
    for (std::size_t i = 0; i < parts_.size(); ++i)
      if (scores_[i] >= *config_.threshold) kept += parts_[i].text;
    document.set_text(std::move(kept));
  }

  const ClassifierStage& stage_;
  const ClassifierStage::Config& config_;
  FastTextClassifier::Scratch scratch_;
  std::string prepared_;
  std::vector<Passage> parts_;
  std::vector<double> raw_, scores_;  // of the parts, before and after calibration
};

std::unique_ptr<StageWorker> ClassifierStage::worker() const { return std::make_unique<ClassifierWorker>(*this); }

}  // namespace phidias::data::pipeline
