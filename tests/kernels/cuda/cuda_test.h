// Fixture of the tests that need a GPU: skips with the reason where there is none. Inputs are made on the CPU and rounded to the tested type, the
// expectation is the plain formula (reference/) in float64 on the CPU.
#pragma once

#include <ATen/core/grad_mode.h>
#include <gtest/gtest.h>

#include "kernels/cuda_backend.h"
#include "tests/kernels/support.h"

namespace phidias::kernels::testing {

class CudaTest : public ::testing::Test {
 protected:
  void SetUp() override {
    cuda_ = cuda_backend();
    if (cuda_ == nullptr) GTEST_SKIP() << "no GPU: " << cuda_unavailable_reason();
    cuda_->set_device(0);
  }
  CudaBackend* cuda_ = nullptr;
};

inline at::Tensor on_gpu(const at::Tensor& t, at::ScalarType type) { return t.to(at::TensorOptions().device(at::kCUDA).dtype(type), false, true); }
inline at::Tensor gpu_leaf(const at::Tensor& t, at::ScalarType type) { return on_gpu(t, type).requires_grad_(true); }
inline at::Tensor exact(const at::Tensor& t, at::ScalarType rounded_to) { return t.to(rounded_to).to(at::kDouble, false, true); }
inline at::Tensor exact_leaf(const at::Tensor& t, at::ScalarType rounded_to) { return exact(t, rounded_to).requires_grad_(true); }

// A trainable parameter on the GPU with a gradient buffer of NaN.
inline Parameter gpu_parameter(const std::string& name, const at::Tensor& value, at::ScalarType type) {
  Parameter parameter;
  parameter.name = name;
  parameter.value = gpu_leaf(value, type);
  parameter.gradient = on_gpu(at::full(value.sizes(), std::nan(""), at::kFloat), at::kFloat);
  return parameter;
}

inline PackedBatch gpu_batch(const std::vector<std::int64_t>& lengths) {
  PackedBatch batch = make_batch(lengths);
  for (at::Tensor* t : {&batch.tokens, &batch.positions, &batch.targets, &batch.use_long, &batch.document_offsets}) *t = t->to(at::kCUDA);
  return batch;
}

// float32: rounding of sums of some thousand products (about 1e-7 * sqrt(5000), worst of a million entries).
// bfloat16: three roundings of an entry's own size are free (result and up to two intermediates), a few roundings' worth of the mean size remains.
inline double free_part(at::ScalarType type) { return type == at::kFloat ? 0.0 : 3 * kBfloat16Rounding; }
inline double allowed(at::ScalarType type) { return type == at::kFloat ? 1e-4 : 2e-2; }

inline void expect_close(const at::Tensor& actual, const at::Tensor& expected, at::ScalarType type, const std::string& what) {
  EXPECT_LT(relative_error(actual.detach().cpu(), expected.detach(), free_part(type)), allowed(type)) << what << ", " << c10::toString(type);
}

inline const std::vector<at::ScalarType> kTypes = {at::kFloat, at::kBFloat16};

}  // namespace phidias::kernels::testing
