// Log-probabilities of given tokens under a model: what `score` prints, and what perplexity filters and cached references will use.
//
//   Scorer scorer("phi-3.5-mini", {.batch_tokens = 8192});
//   std::vector<Score> scores = scorer.score(requests);      // packed streams, no padding; the order of the requests is kept
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "configs/model_config.h"
#include "models/hub/model_directory.h"

namespace phidias::trainer {

struct ScoreRequest {
  std::vector<std::int32_t> input_ids;
  // Aligned with input_ids: what the loss counts, -100 for nothing; the first never counts. Empty: every token but the first.
  std::vector<std::int32_t> labels;
};

// The experts of every token in one layer, and the weights of their outputs (a mixture of experts).
struct LayerChoices {
  std::vector<std::vector<std::int64_t>> experts;  // [tokens][experts per token]
  std::vector<std::vector<float>> weights;
};

struct Score {
  std::vector<double> token_logprobs;  // natural log at temperature 1 of input_ids[t] given those before; NaN for the first
  double loss = 0;                     // mean of -log p over the counted labels; 0 when there is none
  double perplexity = 1;
  std::int64_t target_tokens = 0;
  std::vector<LayerChoices> routing;  // per layer, with ScorerOptions::routing
};

struct ScorerOptions {
  std::optional<at::ScalarType> dtype;  // default: the directory's
  at::Device device = at::kCPU;
  std::int64_t batch_tokens = 8192;  // of one forward pass; a longer text gets a pass of its own
  bool inclusive_window = false;     // ForwardOptions
  bool routing = false;              // ConfigError for a model without experts
};

class Scorer {
 public:
  // Throws ConfigError or CheckpointError for a directory that cannot be loaded.
  explicit Scorer(const std::filesystem::path& model_directory, const ScorerOptions& options = {});
  // Throws DataError for an id outside the vocabulary, labels of another length, nothing at all, or more tokens than the model has positions.
  void check(const ScoreRequest& request) const;
  // Every request must pass check().
  std::vector<Score> score(std::span<const ScoreRequest> requests) const;
  // Mean of the hidden states after the final norm over each request's tokens: [requests, hidden] float32 on the CPU.
  at::Tensor embed(std::span<const ScoreRequest> requests) const;
  const configs::ModelConfig& config() const { return loaded_.config; }

 private:
  void score_together(std::span<const ScoreRequest> requests, std::span<Score> scores) const;
  // Calls visit(begin, end) for runs of requests that fit into one forward pass.
  template <class Visit>
  void for_each_pass(std::span<const ScoreRequest> requests, const Visit& visit) const;

  ScorerOptions options_;
  models::LoadedModel loaded_;
};

}  // namespace phidias::trainer
