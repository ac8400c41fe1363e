#include "kernels/dtype_probe.h"

#include <ATen/core/grad_mode.h>
#include <ATen/ops/full.h>
#include <ATen/ops/mm.h>

#include <algorithm>
#include <chrono>

namespace phidias::kernels {
namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

// The fastest of the products that fit into the time: what else runs on the machine can only slow one down.
double best_rate(at::ScalarType type, double budget_seconds) {
  constexpr std::int64_t kRows = 512, kInner = 768, kColumns = 768;
  const at::Tensor x = at::full({kRows, kInner}, 0.5, type), w = at::full({kColumns, kInner}, 0.25, type);
  at::mm(x, w.t());  // first use: code generation, thread start
  const Clock::time_point start = Clock::now();
  double best = 1e30;
  do {
    const Clock::time_point begin = Clock::now();
    at::mm(x, w.t());
    best = std::min(best, seconds_since(begin));
  } while (seconds_since(start) < budget_seconds);
  return 2e-9 * kRows * kInner * kColumns / best;
}

}  // namespace

MatrixRates probe_matrix_rates() {
  const at::NoGradGuard no_grad;
  const Clock::time_point start = Clock::now();
  MatrixRates rates;
  rates.float32_gflops = best_rate(at::kFloat, 0.2);
  rates.bfloat16_gflops = best_rate(at::kBFloat16, 0.2);
  rates.seconds = seconds_since(start);
  return rates;
}

}  // namespace phidias::kernels
