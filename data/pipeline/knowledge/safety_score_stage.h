// Drops documents by a score that another program gave them: a hook for classifiers that are not part of this one.
//
//   stages:
//     - safety_score: {name: toxicity, field: metadata.toxicity, threshold: 0.4}
//     - safety_score: {name: nsfw, file: scores/nsfw.jsonl.zst, score_field: probability, threshold: 0.4}
//     - safety_score: {annotation: quality.score, threshold: 0.2, drop: below}
//
// The score comes from an annotation of an earlier stage, from a field of the input (dots lead into objects), or from a file of JSON lines with the document's
// id and the score; exactly one of the three. Annotation: <name>.score. Reasons: above, below (the threshold itself stays), missing.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>

#include "configs/enum_names.h"
#include "data/pipeline/stage.h"

namespace phidias::data::pipeline {

enum class DroppedSide { above, below };
enum class MissingScore { keep, drop, stop };

class SafetyScoreStage final : public Stage {
 public:
  struct Config {
    std::string annotation, field, file;
    std::string id_field = "id", score_field = "score";
    double threshold = 0.5;
    DroppedSide drop = DroppedSide::above;
    MissingScore missing = MissingScore::keep;
  };
  // Throws ConfigError unless there is exactly one origin, DataError for a file that cannot be read or that names an id twice.
  SafetyScoreStage(const Config& config, const StageSetup& setup);
  std::unique_ptr<StageWorker> worker() const override;
  std::vector<std::filesystem::path> resources() const override;
  std::vector<std::pair<std::string, std::string>> notes() const override;

 private:
  friend class SafetyScoreWorker;
  void read_scores();
  Config config_;
  std::unordered_map<std::string, double> scores_;  // by id; looked up only
  std::string score_name_;
};

template <class Visitor>
void visit(SafetyScoreStage::Config& c, Visitor& v) {
  v.field(c.annotation, {.key = "annotation", .doc = "name of an earlier stage's annotation with the score; exactly one of `annotation`, `field`, `file`"});
  v.field(c.field, {.key = "field", .doc = "field of the input with the score, `metadata.toxicity`"});
  v.field(c.file, {.key = "file", .doc = "JSON lines with id and score (`.gz` and `.zst` too); held in memory, about 100 bytes per line"});
  v.field(c.id_field, {.key = "id_field", .doc = "in `file`: name of the id"});
  v.field(c.score_field, {.key = "score_field", .doc = "in `file`: name of the score"});
  v.field(c.threshold, {.key = "threshold", .doc = "documents with a score beyond it are dropped"});
  v.field(c.drop, {.key = "drop", .doc = "which side of the threshold is dropped"});
  v.field(c.missing, {.key = "missing", .doc = "a document without a score stays, is dropped, or stops the pipeline"});
}

}  // namespace phidias::data::pipeline

namespace phidias::configs {
template <>
inline constexpr std::array<std::string_view, 2> enum_names<data::pipeline::DroppedSide>{"above", "below"};
template <>
inline constexpr std::array<std::string_view, 3> enum_names<data::pipeline::MissingScore>{"keep", "drop", "stop"};
}  // namespace phidias::configs
