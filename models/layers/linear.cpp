#include "models/layers/linear.h"

#include <utility>

namespace phidias::models {

Linear::Linear(std::int64_t in, std::int64_t out, bool bias, std::vector<LinearPart> parts) : parts_(std::move(parts)), weight_(declare("weight", {out, in})) {
  if (bias) bias_ = &declare("bias", {out}, Initialisation::zeros, /*matrix=*/false);
}

void Linear::name_tensors(const std::string& path, ParameterDeclaration& declaration) const {
  if (parts_.empty()) return Layer::name_tensors(path, declaration);
  const std::string leaf = declaration.name.substr(path.size());  // "weight" or "bias"
  const std::string parent = path.substr(0, path.rfind('.', path.size() - 2) + 1);
  std::int64_t offset = 0;
  for (const LinearPart& part : parts_) {
    LogicalTensor tensor{parent + part.name + "." + leaf, declaration.shape, offset};
    tensor.shape[0] = part.rows;
    offset += tensor.count();
    declaration.tensors.push_back(std::move(tensor));
  }
}

}  // namespace phidias::models
