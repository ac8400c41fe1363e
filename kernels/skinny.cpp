#include "kernels/skinny.h"

#include <ATen/ops/empty.h>

#include "kernels/cpu/dispatch.h"

namespace phidias::kernels {

bool fits_skinny(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias) {
  constexpr std::int64_t kMostRows = 16;
  if (x.dim() != 2 || x.size(0) < 1 || x.size(0) > kMostRows) return false;
  return cpu::covers({weight, bias.defined() ? bias : weight}) && x.is_cpu() && x.scalar_type() == weight.scalar_type();
}

at::Tensor skinny_product(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias, at::ScalarType type) {
  const at::Tensor wide = x.to(at::kFloat).contiguous();
  const at::Tensor y = at::empty({x.size(0), weight.size(0)}, x.options().dtype(type));
  cpu::kernels_for(weight.scalar_type())
      .skinny_product(wide.const_data_ptr<float>(), weight.const_data_ptr(), bias.defined() ? bias.const_data_ptr() : nullptr, y.mutable_data_ptr(),
                      type != at::kFloat, x.size(0), weight.size(1), weight.size(0), cpu::team_size(weight.numel()));
  return y;
}

}  // namespace phidias::kernels
