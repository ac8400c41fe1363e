// The tensors of a directory under the names of the released checkpoints, whatever layout its files have.
//
// phimoe exists in three layouts. Released, and always written: "model.layers.N.block_sparse_moe.experts.E.w1.weight" (w3, w2) and
// "block_sparse_moe.gate.weight". transformers 5: "model.layers.N.mlp.experts.gate_up_proj" [E, 2 I, H] (w1 rows, then w3 rows),
// "mlp.experts.down_proj" [E, H, I] and "mlp.router.weight". Some of its release candidates: "mlp.experts.E.w1" beside released names.
#pragma once

#include <c10/core/ScalarType.h>
#include <c10/util/ArrayRef.h>

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "configs/model_config.h"
#include "models/hub/safetensors.h"

namespace phidias::models {

// A whole tensor of a file or consecutive elements of one, from `begin` on.
struct StoredTensor {
  const SafetensorsFile* file = nullptr;
  std::string name;  // in the file
  at::ScalarType dtype = at::ScalarType::Undefined;
  std::vector<std::int64_t> shape;
  std::int64_t begin = 0;
};

using StoredTensors = std::map<std::string, StoredTensor>;  // by released name

// Throws CheckpointError when a stacked tensor has another shape than the configuration's or two tensors of the files are the same one.
StoredTensors released_tensors(const configs::ModelConfig& config, const std::vector<std::unique_ptr<SafetensorsFile>>& files);

std::string shape_text(at::IntArrayRef shape);  // "[16, 12800, 4096]"

// The number of the expert that a released name belongs to, -1: none.
std::int64_t expert_of(const std::string& name);
// The same tensor of another expert.
std::string with_expert(const std::string& name, std::int64_t expert);

}  // namespace phidias::models
