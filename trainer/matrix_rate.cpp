#include "trainer/matrix_rate.h"

#include <ATen/ops/full.h>
#include <ATen/ops/mm.h>
#include <c10/core/GradMode.h>

#include <algorithm>

#include "trainer/stopwatch.h"

namespace phidias::trainer {

double matrix_rate(at::ScalarType dtype, double seconds) {
  constexpr std::int64_t kSize = 1024;
  const at::NoGradGuard no_grad;
  const at::Tensor a = at::full({kSize, kSize}, 0.5, at::TensorOptions().dtype(dtype)), b = a.clone();
  at::Tensor c = at::mm(a, b);
  const Stopwatch whole;
  double best = 1e9;
  do {
    const Stopwatch one;
    at::mm_out(c, a, b);
    best = std::min(best, one.seconds());
  } while (whole.seconds() < seconds);
  return 2.0 * kSize * kSize * kSize / best;
}

}  // namespace phidias::trainer
