// Every method of the NCCL communicator on one rank, on real device memory (what several ranks do is the business of NCCL and of tests/trainer).
// Skipped where there is no GPU.
#include <ATen/ops/arange.h>
#include <ATen/ops/full.h>
#include <ATen/ops/zeros.h>
#include <gtest/gtest.h>

#include "base/error.h"
#include "kernels/cuda_backend.h"
#include "parallel/single_process.h"
#include "parallel/staged_communicator.h"

namespace phidias::parallel {
namespace {

constexpr double kTimeoutSeconds = 60.0;

class Nccl : public ::testing::Test {
 protected:
  void SetUp() override {
    cuda_ = kernels::cuda_backend();
    if (cuda_ == nullptr) GTEST_SKIP() << "no GPU: " << kernels::cuda_unavailable_reason();
    cuda_->set_device(0);
    ranks_ = cuda_->make_nccl(host_, kTimeoutSeconds);
  }
  static at::TensorOptions floats() { return at::TensorOptions().dtype(at::kFloat).device(at::kCUDA); }

  kernels::CudaBackend* cuda_ = nullptr;
  SingleProcess host_;
  std::unique_ptr<Communicator> ranks_;
};

TEST_F(Nccl, KnowsItself) {
  EXPECT_EQ(ranks_->rank(), 0);
  EXPECT_EQ(ranks_->size(), 1);
  EXPECT_EQ(ranks_->name(), "nccl");
  ranks_->barrier();
}

TEST_F(Nccl, ReductionsOfOneRankKeepTheValues) {
  for (const auto& [dtype, type] :
       {std::pair(at::kFloat, DataType::float32), std::pair(at::kBFloat16, DataType::bfloat16), std::pair(at::kInt, DataType::int32),
        std::pair(at::kLong, DataType::int64), std::pair(at::kDouble, DataType::float64), std::pair(at::kByte, DataType::uint8)}) {
    const at::Tensor expected = at::arange(100, floats()).to(dtype);
    at::Tensor values = expected.clone();
    for (const ReduceOp op : {ReduceOp::sum, ReduceOp::max, ReduceOp::min}) ranks_->all_reduce(values.data_ptr(), 100, type, op);
    at::Tensor part = at::zeros({100}, values.options());
    ranks_->reduce_scatter(values.data_ptr(), part.data_ptr(), 100, type, ReduceOp::sum);
    EXPECT_TRUE(values.equal(expected));
    EXPECT_TRUE(part.equal(expected));
  }
}

TEST_F(Nccl, StartedReductionIsOrderedWithTheCallersStream) {
  at::Tensor values = at::full({1 << 22}, 1.0, floats());
  for (int i = 0; i < 20; ++i) {
    values.add_(1.0);  // queued before; the reduction must see it
    ranks_->start_all_reduce(values.data_ptr(), values.numel(), DataType::float32, ReduceOp::sum)->wait();
  }
  values.mul_(2.0);  // queued after; must see the reduction
  EXPECT_TRUE(values.eq(42.0).all().item<bool>());
}

TEST_F(Nccl, GathersAndExchanges) {
  const at::Tensor values = at::arange(10, floats());
  for (const int method : {0, 1, 2, 3}) {
    at::Tensor out = at::zeros({10}, floats());
    const std::int64_t counts[] = {10};
    if (method == 0) ranks_->all_gather(values.data_ptr(), out.data_ptr(), 10, DataType::float32);
    if (method == 1) ranks_->all_gather_v(values.data_ptr(), 10, out.data_ptr(), counts, DataType::float32);
    if (method == 2) ranks_->all_to_all_v(values.data_ptr(), counts, out.data_ptr(), counts, DataType::float32);
    if (method == 3) {
      out.copy_(values);
      ranks_->broadcast(out.data_ptr(), 10, DataType::float32, 0);
    }
    EXPECT_TRUE(out.equal(values)) << "method " << method;
  }
}

TEST_F(Nccl, EmptyBuffersAreAccepted) {
  const std::int64_t none[] = {0};
  ranks_->all_reduce(nullptr, 0, DataType::float32, ReduceOp::sum);
  ranks_->broadcast(nullptr, 0, DataType::float32, 0);
  ranks_->all_gather(nullptr, nullptr, 0, DataType::float32);
  ranks_->all_gather_v(nullptr, 0, nullptr, none, DataType::float32);
  ranks_->all_to_all_v(nullptr, none, nullptr, none, DataType::float32);
  ranks_->barrier();
}

TEST_F(Nccl, SplitGroupWorksAndEndsBeforeItsParent) {
  const auto group = ranks_->split(3, 0);
  EXPECT_EQ(group->size(), 1);
  at::Tensor values = at::full({8}, 5.0, floats());
  group->all_reduce(values.data_ptr(), 8, DataType::float32, ReduceOp::max);
  group->barrier();
  EXPECT_TRUE(values.eq(5.0).all().item<bool>());
}

TEST_F(Nccl, WrongUseIsRefused) {
  at::Tensor values = at::zeros({4}, floats());
  const std::int64_t two[] = {2, 2};
  EXPECT_THROW(ranks_->send(values.data_ptr(), 4, DataType::float32, 0), CommunicationError);
  EXPECT_THROW(ranks_->receive(values.data_ptr(), 4, DataType::float32, 1), CommunicationError);
  EXPECT_THROW(ranks_->all_gather_v(values.data_ptr(), 4, values.data_ptr(), two, DataType::float32), CommunicationError);
}

TEST_F(Nccl, DeviceBuffersTravelThroughPinnedMemory) {
  const auto staged = make_staged(host_, cuda_->device_memory());
  at::Tensor values = at::arange(1000, floats()), out = at::zeros({1000}, floats());
  values.add_(1.0);
  staged->all_reduce(values.data_ptr(), 1000, DataType::float32, ReduceOp::sum);
  staged->all_gather(values.data_ptr(), out.data_ptr(), 1000, DataType::float32);
  EXPECT_TRUE(out.equal(at::arange(1, 1001, floats())));
}

}  // namespace
}  // namespace phidias::parallel
