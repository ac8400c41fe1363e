// Score of documents by a trained head on a model's embeddings (phidias data train-head): the second, slower and better scorer behind a fastText classifier.
//
// Annotation: `annotation` (default: the stage's name). Reason: low_score, when a threshold is given.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "data/pipeline/stage_type.h"

namespace phidias::data::pipeline {

class EmbeddingScoreStage : public Stage {
 public:
  struct Config {
    std::string head, annotation;
    std::optional<double> threshold;
  };
  EmbeddingScoreStage(const Config& config, const StageSetup& setup);
  std::unique_ptr<StageWorker> worker() const override;
  std::vector<std::filesystem::path> resources() const override;
  std::size_t batch_documents() const override { return 256; }

 private:
  class Worker;
  Config config_;
  std::shared_ptr<const EmbeddingHead> head_;
};

template <class Visitor>
void visit(EmbeddingScoreStage::Config& c, Visitor& v) {
  v.field(c.head, {.key = "head", .doc = "directory that `phidias data train-head` wrote", .required = true});
  v.field(c.annotation, {.key = "annotation", .doc = "name of the score", .default_text = "the stage's name"});
  v.field(c.threshold, {.key = "threshold", .doc = "documents below it are dropped", .default_text = "none is dropped"});
}

}  // namespace phidias::data::pipeline
