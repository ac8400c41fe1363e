#include "data/pipeline/model/perplexity_stage.h"

#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "data/pipeline/model/model_files.h"

namespace phidias::data::pipeline {

class PerplexityStage::Worker final : public StageWorker {
 public:
  explicit Worker(const PerplexityStage& stage) : stage_(stage) {}
  void process(std::span<Document* const> documents) override {
    texts_.clear();
    for (const Document* document : documents) texts_.push_back(document->text());
    const std::vector<TextScore> scores = stage_.scorer_->score(texts_);
    for (std::size_t i = 0; i < documents.size(); ++i) stage_.judge(*documents[i], scores[i]);
  }

 private:
  const PerplexityStage& stage_;
  std::vector<std::string_view> texts_;
};

PerplexityStage::PerplexityStage(const Config& config, const StageSetup& setup)
    : Stage(setup), config_(config), loss_(qualified("loss")), tokens_(qualified("tokens")) {
  if (setup.models == nullptr || !setup.models->scorer) throw ConfigError("stage " + setup.name + " needs a model, which this program cannot load");
  scorer_ = setup.models->scorer(config.model, config.max_tokens);
}

std::unique_ptr<StageWorker> PerplexityStage::worker() const { return std::make_unique<Worker>(*this); }

std::vector<std::filesystem::path> PerplexityStage::resources() const { return model_files(config_.model); }

void PerplexityStage::judge(Document& document, const TextScore& score) const {
  document.annotations().set(loss_, score.loss);
  document.annotations().set(tokens_, static_cast<double>(score.tokens));
  if (score.tokens == 0) return document.drop("no_tokens");
  const double perplexity = std::exp(score.loss);
  document.annotations().set("perplexity", perplexity);
  const auto language = document.annotations().text("language");
  const auto own = std::find_if(config_.languages.begin(), config_.languages.end(), [&](const LanguageBounds& bounds) { return language == bounds.path; });
  const auto& minimum = own != config_.languages.end() ? own->minimum : config_.minimum;
  const auto& maximum = own != config_.languages.end() ? own->maximum : config_.maximum;
  if (minimum && perplexity < *minimum) document.drop("too_low");
  if (maximum && perplexity > *maximum) document.drop("too_high");
}

}  // namespace phidias::data::pipeline
