// A base model with an adapter merged into it: W + scale * B A per adapted module, in float32, rounded once by whoever takes the result.
//
// Nothing is held: a tensor (or a range of one) is made when it is asked for. Equal ranges give equal bits however they are cut: rows are computed in
// blocks of fixed borders.
//
//   const ModelDirectory base(base_directory(path));
//   const AdapterDirectory adapter(path);
//   const MergedWeights merged(base, adapter);
//   save_model_directory(out, model, merged.provider(), {.source = base.path(), .dtype = base.dtype()});
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <string>

#include "models/causal_lm.h"
#include "models/hub/model_directory.h"
#include "models/hub/peft.h"

namespace phidias::models {

class MergedWeights {
 public:
  // Throws CheckpointError when an adapter sits on no weight of the base or has other sizes. Both outlive this object.
  MergedWeights(const ModelDirectory& base, const AdapterDirectory& adapter);

  // Rows [begin, end) of a tensor's first dimension: float32 where it is adapted, otherwise the base's view.
  at::Tensor rows(const std::string& name, std::int64_t begin, std::int64_t end) const;
  at::Tensor tensor(const std::string& name) const;
  // Both refer to this object.
  TensorProvider provider() const;
  RangeReader reader(const CausalLM& model) const;  // checks the fit of the base, as range_reader does

 private:
  const ModelDirectory& base_;
  const AdapterDirectory& adapter_;
  double scale_;
};

}  // namespace phidias::models
