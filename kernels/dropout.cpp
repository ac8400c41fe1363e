#include "kernels/dropout.h"

#include "kernels/drawn_factor.h"

namespace phidias::kernels {

at::Tensor dropout(const at::Tensor& x, double p, const at::Tensor& draw_keys, std::uint64_t site) {
  if (p == 0.0 || !draw_keys.defined()) return x;
  return times_drawn_factor(x, draw_keys, dropout_factor(p, site));
}

}  // namespace phidias::kernels
