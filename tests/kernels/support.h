// Inputs and comparisons for the tests of kernels/.
#pragma once

#include <ATen/TensorOperators.h>
#include <ATen/core/Tensor.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/full.h>
#include <gtest/gtest.h>
#include <torch/csrc/autograd/autograd.h>

#include <cmath>
#include <cstdint>
#include <string>
#include <vector>

#include "base/philox.h"
#include "kernels/packed_batch.h"
#include "kernels/parameter.h"

namespace phidias::kernels::testing {

inline at::Tensor random_tensor(const std::vector<std::int64_t>& shape, std::uint64_t seed, double scale = 1.0) {
  at::Tensor t = at::empty(shape, at::kFloat);
  float* data = t.mutable_data_ptr<float>();
  const PhiloxKey key = philox_key(seed, RandomSite::task_generator);
  for (std::int64_t i = 0; i < t.numel(); ++i) data[i] = static_cast<float>(scale * philox_normal(key, static_cast<std::uint64_t>(i)));
  return t;
}

// A trainable parameter whose gradient buffer starts as NaN: whoever reads it before writing is found out.
inline Parameter make_parameter(const std::string& name, const at::Tensor& value) {
  Parameter parameter;
  parameter.name = name;
  parameter.value = value.detach().clone().requires_grad_(true);
  parameter.gradient = at::full(value.sizes(), std::nan(""), at::kFloat);
  return parameter;
}
inline Parameter make_frozen(const std::string& name, const at::Tensor& value) {
  Parameter parameter;
  parameter.name = name;
  parameter.value = value.detach().clone();
  return parameter;
}

inline PackedBatch make_batch(const std::vector<std::int64_t>& lengths) {
  data::MicroBatch batch;
  for (const std::int64_t length : lengths) {
    const auto begin = static_cast<std::int32_t>(batch.tokens.size());
    for (std::int32_t i = 0; i < length; ++i) {
      batch.tokens.push_back(i);
      batch.positions.push_back(i);
      batch.targets.push_back(data::kIgnoredTarget);
    }
    batch.segments.push_back({.begin = begin, .end = begin + static_cast<std::int32_t>(length)});
  }
  return to_device(batch, at::kCPU);
}
inline std::vector<std::int64_t> ranges(const PackedBatch& batch) {
  std::vector<std::int64_t> result;
  for (const auto& segment : batch.segments) result.insert(result.end(), {segment.begin, segment.end});
  return result;
}

// Largest difference relative to the root mean square of what is expected (so that a few tiny entries decide nothing). `free`: the part of
// an entry's own size that is not counted, for results rounded to bfloat16.
inline double relative_error(const at::Tensor& actual, const at::Tensor& expected, double free = 0.0) {
  if (actual.sizes() != expected.sizes()) return INFINITY;
  if (expected.numel() == 0) return 0.0;
  const at::Tensor a = actual.detach().to(at::kDouble), e = expected.detach().to(at::kDouble);
  const double size = std::sqrt(e.square().mean().item<double>()), difference = ((a - e).abs() - free * e.abs()).max().item<double>();
  return std::isnan(difference) ? INFINITY : difference / (size > 0 ? size : 1.0);
}
// One rounding to bfloat16: half a unit in the last of 8 bits.
inline constexpr double kBfloat16Rounding = 1.0 / 256;

inline bool bit_equal(const at::Tensor& a, const at::Tensor& b) { return a.sizes() == b.sizes() && a.equal(b); }

// Largest relative_error that float32 rounding explains: sums of some hundred products, each rounded by 6e-8, and the worst of many entries.
inline constexpr double kFloatTolerance = 2e-5;

}  // namespace phidias::kernels::testing
