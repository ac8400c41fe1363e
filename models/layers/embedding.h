// The token table [vocabulary, hidden]; shared with the output head where the head is tied.
#pragma once

#include "kernels/embedding.h"
#include "models/layers/layer.h"

namespace phidias::models {

class Embedding : public Layer {
 public:
  Embedding(std::int64_t vocabulary, std::int64_t hidden) : weight_(declare("weight", {vocabulary, hidden})) {}
  // ignored_id: the row that learns nothing from look-ups (-1: none), transformers' padding_idx.
  at::Tensor forward(const at::Tensor& tokens, std::int64_t ignored_id) { return kernels::embedding(tokens, weight_, ignored_id); }
  kernels::Parameter& weight() { return weight_; }

 private:
  kernels::Parameter& weight_;
};

}  // namespace phidias::models
