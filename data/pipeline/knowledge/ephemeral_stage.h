// Drops documents, or takes out passages, that tell what is soon forgotten and teaches nothing: results, prices, forecasts, offers, notices.
//
//   stages:
//     - ephemeral: {when: {language: [en]}}
//     - ephemeral: {unit: passage, date_field: date}
//
// A document is read in passages of whole lines (about 512 tokens). Each gets two scores (ephemeral_model.h, or fastText models of the user) and a verdict
// (ephemeral_judge.h). `unit: document` drops the document when ephemeral passages hold at least `minimum_share` of its words; `unit: passage` takes them out,
// and drops it when nothing is left. A document whose mean teaching is at least `keep_teaching` stays as it is.
// Annotations: <name>.durability and <name>.teaching (means over words), <name>.passages, <name>.ephemeral_passages, <name>.ephemeral_share (of words),
// <name>.topic (of the ephemeral passage with most words, where there is one), <name>.url (its address speaks of the moment); with `annotate_features` one per
// feature. Reason: the topic.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "data/pipeline/classify/fasttext_classifier.h"
#include "data/pipeline/knowledge/ephemeral_judge.h"
#include "data/pipeline/stage.h"

namespace phidias::data::pipeline {

enum class EphemeralUnit { document, passage };

class EphemeralStage final : public Stage {
 public:
  struct Config {
    EphemeralUnit unit = EphemeralUnit::document;
    EphemeralBounds bounds;
    double keep_teaching = 3, minimum_share = 0.5;
    std::int64_t passage_words = 350;
    std::string date_field = "date";
    std::string durability_model, teaching_model;
    bool annotate_features = false;
  };
  EphemeralStage(const Config& config, const StageSetup& setup);
  std::unique_ptr<StageWorker> worker() const override;
  std::vector<std::filesystem::path> resources() const override;

 private:
  friend class EphemeralWorker;
  Config config_;
  // A fastText model whose labels are the numbers 0 to 5: the score is their mean.
  struct Axis {
    FastTextClassifier classifier;
    std::vector<double> values;
  };
  Axis load_axis(const std::string& path) const;
  std::optional<Axis> durability_, teaching_;
  std::string durability_name_, teaching_name_, passages_name_, ephemeral_passages_name_, share_name_, topic_name_, url_name_;
  std::vector<std::string> feature_names_;
};

template <class Visitor>
void visit(EphemeralStage::Config& c, Visitor& v) {
  v.field(c.unit, {.key = "unit", .doc = "`document`: drop it; `passage`: take out its ephemeral passages"});
  v.field(c.bounds.durability, {.key = "maximum_durability", .doc = "an ephemeral passage has at most this durability", .minimum = 0, .maximum = 5});
  v.field(c.bounds.teaching, {.key = "maximum_teaching", .doc = "and at most this teaching value", .minimum = 0, .maximum = 5});
  v.field(c.keep_teaching, {.key = "keep_teaching", .doc = "a document with this mean teaching value stays", .minimum = 0, .maximum = 5});
  v.field(c.minimum_share,
          {.key = "minimum_share", .doc = "of its words in ephemeral passages, for a document to be dropped", .minimum = 0, .maximum = 1, .is_above = true});
  v.field(c.passage_words, {.key = "passage_words", .doc = "a passage ends with the line that reaches this many words; longer lines are cut", .minimum = 20});
  v.field(c.date_field, {.key = "date_field", .doc = "field of the input with the day on which the page was fetched (2024-03-12...)"});
  v.field(c.durability_model, {.key = "durability_model", .doc = "fastText model with labels 0 to 5 instead of the built-in weights"});
  v.field(c.teaching_model, {.key = "teaching_model", .doc = "the same for teaching value"});
  v.field(c.annotate_features, {.key = "annotate_features", .doc = "write the features too, as means over words"});
}

}  // namespace phidias::data::pipeline

namespace phidias::configs {
template <>
inline constexpr std::array<std::string_view, 2> enum_names<data::pipeline::EphemeralUnit>{"document", "passage"};
}
