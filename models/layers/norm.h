// A normalisation of the residual stream, alone or after the residual addition: RmsNorm (phi3) or LayerNorm (phimoe, phi3small).
#pragma once

#include <memory>
#include <utility>

#include "configs/model_config.h"
#include "models/layers/layer.h"

namespace phidias::models {

class Norm : public Layer {
 public:
  virtual at::Tensor forward(const at::Tensor& x) = 0;
  // {x + update, norm(x + update)}; an undefined update stands for zero and costs nothing.
  virtual std::pair<at::Tensor, at::Tensor> forward(const at::Tensor& x, const at::Tensor& update) = 0;
};

}  // namespace phidias::models
