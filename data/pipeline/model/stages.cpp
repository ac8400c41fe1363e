#include "data/pipeline/model/embedding_score_stage.h"
#include "data/pipeline/model/perplexity_stage.h"
#include "data/pipeline/stage_type.h"

namespace phidias::data::pipeline {

std::vector<StageType> model_stages() {
  return {stage_type<PerplexityStage>("perplexity", "scores documents with a causal model and drops outliers", true),
          stage_type<EmbeddingScoreStage>("embedding_score", "scores documents with a trained head on a model's embeddings", true)};
}

}  // namespace phidias::data::pipeline
