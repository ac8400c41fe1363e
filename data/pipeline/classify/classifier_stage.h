// Scores documents by a fastText classifier and drops those below a threshold. The key `classifier` serves every such model: give the stage a `name`
// (educational, toxicity, topic ...), after which its annotations and reasons are called.
//
// Annotations: `<annotation>` (by default the stage's name): the score; `<annotation>_raw` where it is calibrated (and not a share of words): the score before,
// without the steps of the curve, to rank by; `<name>.passages` and, with cut_low, `<name>.cut_passages` where it looks at parts;
// `<top_label>` when asked for: the best label of the whole document. Reasons: low_score; no_passage_left (cut_low took all).
#pragma once

#include <array>
#include <memory>
#include <optional>
#include <string>

#include "data/pipeline/classify/classifier_description.h"
#include "data/pipeline/classify/fasttext_classifier.h"
#include "data/pipeline/stage_type.h"

namespace phidias::data::pipeline {

enum class ScoredUnit { document, lines, passages };
enum class ScoreAggregate { mean, max, minimum, share };

class ClassifierStage : public Stage {
 public:
  struct Config {
    std::string model, description, label, annotation, top_label;
    ScoreKind score = ScoreKind::automatic;
    bool calibrate = true;
    ScoredUnit over = ScoredUnit::document;
    std::int64_t passage_words = 512;
    ScoreAggregate aggregate = ScoreAggregate::mean;
    std::optional<double> threshold;
    double minimum_share = 0.5;
    bool cut_low = false;
  };
  // Throws DataError for a model or description that cannot be read, ConfigError for settings that do not fit them.
  ClassifierStage(const Config& config, const StageSetup& setup);
  std::unique_ptr<StageWorker> worker() const override;
  std::vector<std::filesystem::path> resources() const override;
  std::vector<std::pair<std::string, std::string>> notes() const override;

 private:
  friend class ClassifierWorker;
  Config config_;
  FastTextClassifier model_;
  ClassifierDescription description_;
  std::filesystem::path description_path_;  // empty: there is none
  std::optional<ScoreRule> rule_;
  std::string passages_name_, cut_name_, raw_name_;  // raw_name_: empty where it is not written
};

template <class Visitor>
void visit(ClassifierStage::Config& c, Visitor& v) {
  v.field(c.model, {.key = "model", .doc = "fastText classifier, `.bin` or `.ftz`", .required = true});
  v.field(c.description, {.key = "description",
                          .doc = "what `phidias data train-classifier` wrote about it",
                          .default_text = "`classifier.json` beside the model, if there is one"});
  v.field(c.score,
          {.key = "score",
           .doc = "probability of `label`, mean of labels that are numbers, or probability of the best label; `auto`: as the description says, else the "
                  "first of these that can be"});
  v.field(c.label, {.key = "label", .doc = "label whose probability is the score", .default_text = "the description's"});
  v.field(c.calibrate,
          {.key = "calibrate", .doc = "send the score through the description's calibration, where it has one; `<annotation>_raw` is the score before"});
  v.field(c.annotation, {.key = "annotation", .doc = "name under which the score is written", .default_text = "the stage's name"});
  v.field(c.top_label, {.key = "top_label", .doc = "also write the best label of the document under this name: `topic`", .default_text = "not written"});
  v.field(c.over, {.key = "over", .doc = "what is scored at a time"});
  v.field(c.passage_words, {.key = "passage_words", .doc = "words of a passage, about; cut at line ends", .minimum = 1, .maximum = 1e9});
  v.field(c.aggregate,
          {.key = "aggregate",
           .doc = "of the scores of lines or passages: mean weighted by words, largest, smallest, or share of the words in parts that reach `threshold`"});
  v.field(c.threshold, {.key = "threshold", .doc = "documents with a lower score are dropped", .default_text = "none: only annotates"});
  v.field(c.minimum_share, {.key = "minimum_share", .doc = "with `aggregate: share`: documents with a smaller share are dropped", .minimum = 0, .maximum = 1});
  v.field(c.cut_low, {.key = "cut_low", .doc = "take lines or passages below `threshold` out of the text in place of dropping the document"});
}

}  // namespace phidias::data::pipeline

namespace phidias::configs {
template <>
inline constexpr std::array<std::string_view, 3> enum_names<data::pipeline::ScoredUnit>{"document", "lines", "passages"};
template <>
inline constexpr std::array<std::string_view, 4> enum_names<data::pipeline::ScoreAggregate>{"mean", "max", "minimum", "share"};
}  // namespace phidias::configs
