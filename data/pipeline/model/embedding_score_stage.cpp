#include "data/pipeline/model/embedding_score_stage.h"

#include "base/error.h"
#include "data/pipeline/model/model_files.h"

namespace phidias::data::pipeline {

class EmbeddingScoreStage::Worker final : public StageWorker {
 public:
  explicit Worker(const EmbeddingScoreStage& stage) : stage_(stage) {}
  void process(std::span<Document* const> documents) override {
    texts_.clear();
    for (const Document* document : documents) texts_.push_back(document->text());
    const std::vector<double> scores = stage_.head_->score(texts_);
    for (std::size_t i = 0; i < documents.size(); ++i) {
      documents[i]->annotations().set(stage_.config_.annotation, scores[i]);
      if (stage_.config_.threshold && scores[i] < *stage_.config_.threshold) documents[i]->drop("low_score");
    }
  }

 private:
  const EmbeddingScoreStage& stage_;
  std::vector<std::string_view> texts_;
};

EmbeddingScoreStage::EmbeddingScoreStage(const Config& config, const StageSetup& setup) : Stage(setup), config_(config) {
  if (config_.annotation.empty()) config_.annotation = setup.name;
  if (setup.models == nullptr || !setup.models->embedding_head) throw ConfigError("stage " + setup.name + " needs a model, which this program cannot load");
  head_ = setup.models->embedding_head(config.head);
}

std::unique_ptr<StageWorker> EmbeddingScoreStage::worker() const { return std::make_unique<Worker>(*this); }

std::vector<std::filesystem::path> EmbeddingScoreStage::resources() const { return head_files(config_.head); }

}  // namespace phidias::data::pipeline
