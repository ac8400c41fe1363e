// Texts under a model, for data pipelines (data/pipeline/model_services.h): loss per token, and embeddings.
//
// On a CPU every call computes with one thread, so that a text's score depends neither on the number of threads nor of ranks; calls run beside each other.
// On a GPU they take turns. A text is cut on the right at max_tokens (or the model's positions); special tokens in it are plain text.
#pragma once

#include <filesystem>
#include <memory>
#include <mutex>
#include <span>
#include <string_view>
#include <vector>

#include "data/pipeline/model_services.h"
#include "data/tokenizers/tokenizer.h"
#include "trainer/scoring/scorer.h"

namespace phidias::trainer {

struct TextScorerOptions {
  at::ScalarType dtype = at::kFloat;
  at::Device device = at::kCPU;
  std::int64_t max_tokens = 0;  // 0: the model's positions
};

class TextScorer final : public data::pipeline::Scorer, public data::pipeline::Embedder {
 public:
  // Throws ConfigError, CheckpointError or DataError for a directory that cannot be loaded.
  TextScorer(const std::filesystem::path& model, const std::filesystem::path& tokenizer, const TextScorerOptions& options);
  std::vector<data::pipeline::TextScore> score(std::span<const std::string_view> texts) const override;
  std::size_t dimension() const override;
  // A text without a token is a row of zeros.
  std::vector<float> embed(std::span<const std::string_view> texts) const override;

 private:
  // The requests of texts that have tokens, and for each the index of its text.
  std::vector<ScoreRequest> requests_of(std::span<const std::string_view> texts, std::vector<std::size_t>& indices) const;
  std::unique_lock<std::mutex> turn() const;

  TextScorerOptions options_;
  std::unique_ptr<data::Tokenizer> tokenizer_;
  trainer::Scorer scorer_;
  mutable std::mutex mutex_;
};

}  // namespace phidias::trainer
