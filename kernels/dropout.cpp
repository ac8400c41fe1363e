#include "kernels/dropout.h"

#include "base/error.h"

namespace phidias::kernels {

at::Tensor dropout(const at::Tensor& x, double p, const at::Tensor& draw_keys, std::uint64_t) {
  if (p == 0.0 || !draw_keys.defined()) return x;
  throw ConfigError("dropout is not built in");
}

}  // namespace phidias::kernels
