// A linear or one-hidden-layer head on embeddings of texts, as FineWeb-Edu's classifier: regression on numeric labels.
//
//   hidden_units = 0:  score = w . z + b           else:  score = w2 . gelu(W1 z + b1) + b2
//   z = (embedding - mean) / deviation of the training embeddings
//
//   HeadReport report = train_head(settings, encoder);                   // writes head.safetensors, head.json
//   TrainedHead head = TrainedHead::load("runs/head");  head.score(embeddings)
//
// A head directory names its encoder and the hash of it. Training is deterministic: order and first weights are drawn with Philox from the seed, one thread.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "data/pipeline/model/head_settings.h"
#include "data/pipeline/model_services.h"

namespace phidias::trainer {

using data::pipeline::HeadSettings;

struct HeadReport {
  std::int64_t train = 0, validation = 0, best_epoch = 0;
  // On the held-out texts (on the training texts when none is held out), after the best epoch.
  double mean_squared_error = 0, variance = 0, f1 = 0, accuracy = 0;
};

class TrainedHead {
 public:
  // Throws CheckpointError.
  static TrainedHead load(const std::filesystem::path& directory);
  // embeddings: [n, dimension] float32. Returns [n].
  at::Tensor score(const at::Tensor& embeddings) const;
  const std::string& encoder() const { return encoder_; }
  std::int64_t max_tokens() const { return max_tokens_; }

 private:
  friend class HeadTraining;
  std::string encoder_;
  std::int64_t max_tokens_ = 0;
  at::Tensor mean_, deviation_, hidden_weight_, hidden_bias_, weight_, bias_;  // hidden_*: undefined for a linear head
};

// Throws DataError: a line without text or label, fewer than two texts.
HeadReport train_head(const HeadSettings& settings, const data::pipeline::Embedder& encoder);

}  // namespace phidias::trainer
