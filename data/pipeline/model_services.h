// What a pipeline needs a model for. data/ is free of torch: trainer/scoring implements these and launch/ plugs them in.
#pragma once

#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace phidias::data::pipeline {

struct TextScore {
  double loss = 0;          // mean negative natural log-probability per target token
  std::int64_t tokens = 0;  // target tokens; 0: nothing to score, loss is 0
};

// Loss of texts under a language model. Thread-safe; results depend on each text alone.
class Scorer {
 public:
  virtual ~Scorer() = default;
  // Texts longer than the model's (or max_tokens) context are cut on the right.
  virtual std::vector<TextScore> score(std::span<const std::string_view> texts) const = 0;
};

// Texts to vectors: mean of the last hidden states.
class Embedder {
 public:
  virtual ~Embedder() = default;
  virtual std::size_t dimension() const = 0;
  // Row after row, texts.size() * dimension().
  virtual std::vector<float> embed(std::span<const std::string_view> texts) const = 0;
};

// A trained head on embeddings: scores in the unit of its labels.
class EmbeddingHead {
 public:
  virtual ~EmbeddingHead() = default;
  virtual std::vector<double> score(std::span<const std::string_view> texts) const = 0;
};

struct ModelServices {
  // `directory`: a Hugging Face or run directory; max_tokens 0: the model's context. Throw CheckpointError or ConfigError.
  std::function<std::unique_ptr<Scorer>(const std::string& directory, std::int64_t max_tokens)> scorer;
  std::function<std::unique_ptr<Embedder>(const std::string& directory, std::int64_t max_tokens)> embedder;
  // `head`: a directory that `phidias data train-head` wrote; it names its encoder.
  std::function<std::unique_ptr<EmbeddingHead>(const std::string& head)> embedding_head;
};

}  // namespace phidias::data::pipeline
