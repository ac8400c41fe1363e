#include "trainer/metrics/utilisation.h"

#include <ATen/ops/full.h>
#include <ATen/ops/mm.h>
#include <c10/core/GradMode.h>

#include <algorithm>
#include <cstdio>

#include "kernels/cuda_backend.h"
#include "trainer/stopwatch.h"

namespace phidias::trainer {
namespace {

double visible_keys(std::int64_t length, std::int64_t window) {
  const auto sum_up_to = [](std::int64_t n) { return static_cast<double>(n) * static_cast<double>(n + 1) / 2.0; };
  if (window <= 0 || length <= window) return sum_up_to(length);
  return sum_up_to(window) + static_cast<double>(length - window) * static_cast<double>(window);
}

struct Datasheet {
  const char* name;
  double bfloat16, float32;  // dense FLOP/s of tensor cores in bf16, of the plain float32 units
};
constexpr Datasheet kDatasheets[] = {
    {"H100", 989e12, 67e12}, {"H200", 989e12, 67e12}, {"H800", 989e12, 67e12}, {"A100", 312e12, 19.5e12}, {"A800", 312e12, 19.5e12}};

constexpr double kProbeSeconds = 0.03;  // short: it is part of every start

// FLOP/s of square products of 1024 in `dtype` with this process's threads: the best of what fits into `seconds` after one to warm up.
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

Peak peak_of_gpus(parallel::Communicator& host, at::ScalarType dtype, at::Device device, double ranks_per_device) {
  const std::string name = kernels::require_cuda().describe(device.index()).name;
  double rate = 0;
  for (const Datasheet& sheet : kDatasheets)
    if (name.find(sheet.name) != std::string::npos) rate = dtype == at::kBFloat16 ? sheet.bfloat16 : sheet.float32;
  if (rate == 0) return {0, "not known for " + name};
  double sum = rate / ranks_per_device;
  host.all_reduce(&sum, 1, parallel::DataType::float64, parallel::ReduceOp::sum);
  return {sum, "datasheet of " + name + ", dense " + (dtype == at::kBFloat16 ? "bfloat16" : "float32")};
}

}  // namespace

Peak find_peak(parallel::Communicator& host, at::ScalarType dtype, at::Device device, double ranks_per_device) {
  if (device.is_cuda()) return peak_of_gpus(host, dtype, device, ranks_per_device);
  host.barrier();  // all ranks measure while the others do
  double sum = matrix_rate(dtype, kProbeSeconds);
  host.all_reduce(&sum, 1, parallel::DataType::float64, parallel::ReduceOp::sum);
  return {sum, "matrix products of 1024 measured on all ranks at once"};
}

double mean_context(const data::GlobalBatch& batch, std::int64_t sliding_window) {
  double keys = 0, tokens = 0;
  for (const data::MicroBatch& micro : batch.micro_batches) {
    for (const data::Segment& segment : micro.segments) keys += visible_keys(segment.end - segment.begin, sliding_window);
    tokens += static_cast<double>(micro.size());
  }
  return tokens > 0 ? keys / tokens : 0.0;
}

double Utilisation::at(double tokens_per_second, double mean_context) const {
  return peak_.flops_per_second > 0 ? tokens_per_second * model_.flops_per_token(mean_context) / peak_.flops_per_second : 0.0;
}

std::string Utilisation::formula() const {
  char text[256];
  std::snprintf(text, sizeof text, "MFU = tokens/s * FLOPs per token / peak; FLOPs per token = %.4g without attention; peak = %.4g FLOP/s: %s",
                model_.flops_per_token(0), peak_.flops_per_second, peak_.source.c_str());
  return text;
}

}  // namespace phidias::trainer
