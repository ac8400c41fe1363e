// Device buffers over host ranks, with a device whose memory is the host's own, so that it runs everywhere; the GPU's memory is in cuda/nccl_test.cpp.
#include "parallel/staged_communicator.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <map>
#include <numeric>
#include <vector>

#include "tests/support/mpi_test.h"

namespace phidias::parallel {
namespace {

// Counts what is copied and finds pinned memory that is not given back.
class PretendedDevice : public DeviceMemory {
 public:
  ~PretendedDevice() override { EXPECT_TRUE(pinned_.empty()); }
  void copy_to_host(void* host, const void* device, std::size_t bytes) override {
    EXPECT_TRUE(is_pinned(host, bytes));
    std::memcpy(host, device, bytes);
    fetched += bytes;
  }
  void copy_to_device(void* device, const void* host, std::size_t bytes) override {
    EXPECT_TRUE(is_pinned(host, bytes));
    std::memcpy(device, host, bytes);
    delivered += bytes;
  }
  void* allocate_pinned(std::size_t bytes) override {
    void* memory = std::malloc(bytes);
    pinned_[static_cast<std::byte*>(memory)] = bytes;
    return memory;
  }
  void free_pinned(void* memory) override {
    pinned_.erase(static_cast<std::byte*>(memory));
    std::free(memory);
  }
  std::size_t fetched = 0, delivered = 0;

 private:
  bool is_pinned(const void* memory, std::size_t bytes) const {
    const auto* first = static_cast<const std::byte*>(memory);
    return std::any_of(pinned_.begin(), pinned_.end(), [&](const auto& block) { return first >= block.first && first + bytes <= block.first + block.second; });
  }
  std::map<std::byte*, std::size_t> pinned_;
};

Communicator& host() { return phidias::mpi_test::world().host(); }
int rank() { return host().rank(); }
int size() { return host().size(); }

TEST(Staged, AllReduceAddsOverRanks) {
  PretendedDevice device;
  const auto ranks = make_staged(host(), device);
  std::vector<float> values(1000, static_cast<float>(rank() + 1));
  ranks->all_reduce(values.data(), 1000, DataType::float32, ReduceOp::sum);
  EXPECT_EQ(values, std::vector<float>(1000, static_cast<float>(size() * (size() + 1) / 2)));
  EXPECT_EQ(device.fetched, 4000u);
  EXPECT_EQ(device.delivered, 4000u);
}

TEST(Staged, StartedReductionsArriveAtWait) {
  PretendedDevice device;
  const auto ranks = make_staged(host(), device);
  std::vector<std::int64_t> first(7, 1), second(5, rank());
  auto one = ranks->start_all_reduce(first.data(), 7, DataType::int64, ReduceOp::sum);
  auto two = ranks->start_all_reduce(second.data(), 5, DataType::int64, ReduceOp::max);
  EXPECT_EQ(first, std::vector<std::int64_t>(7, 1));
  two->wait();
  one->wait();
  one->wait();  // a second wait changes nothing
  EXPECT_EQ(first, std::vector<std::int64_t>(7, size()));
  EXPECT_EQ(second, std::vector<std::int64_t>(5, size() - 1));
}

TEST(Staged, GatherScatterAndBroadcastMoveEveryPart) {
  PretendedDevice device;
  const auto ranks = make_staged(host(), device);
  std::vector<std::int32_t> mine(3, rank()), all(3 * size(), -1), expected;
  for (int r = 0; r < size(); ++r) expected.insert(expected.end(), 3, r);
  ranks->all_gather(mine.data(), all.data(), 3, DataType::int32);
  EXPECT_EQ(all, expected);

  std::vector<std::int32_t> part(3, -1);
  ranks->reduce_scatter(all.data(), part.data(), 3, DataType::int32, ReduceOp::sum);
  EXPECT_EQ(part, std::vector<std::int32_t>(3, rank() * size()));

  std::vector<std::int64_t> counts(size());
  std::iota(counts.begin(), counts.end(), 0);  // rank r gives r elements, rank 0 none
  std::vector<std::int32_t> ragged(std::accumulate(counts.begin(), counts.end(), 0)), ragged_expected;
  for (int r = 0; r < size(); ++r) ragged_expected.insert(ragged_expected.end(), r, r);
  ranks->all_gather_v(mine.data(), std::min(rank(), 3), ragged.data(), counts, DataType::int32);
  EXPECT_EQ(ragged, ragged_expected);

  std::vector<std::int32_t> word(2, rank() == size() - 1 ? 42 : 0);
  ranks->broadcast(word.data(), 2, DataType::int32, size() - 1);
  EXPECT_EQ(word, std::vector<std::int32_t>(2, 42));
}

TEST(Staged, AllToAllSendsEachPartToItsRank) {
  PretendedDevice device;
  const auto ranks = make_staged(host(), device);
  const std::vector<std::int64_t> ones(size(), 1);
  std::vector<std::int32_t> out(size()), in(size());
  for (int r = 0; r < size(); ++r) out[r] = 10 * rank() + r;
  ranks->all_to_all_v(out.data(), ones, in.data(), ones, DataType::int32);
  for (int r = 0; r < size(); ++r) EXPECT_EQ(in[r], 10 * r + rank());
}

TEST(Staged, EmptyBuffersAndSplitGroupsWork) {
  PretendedDevice device;
  const auto ranks = make_staged(host(), device);
  ranks->all_reduce(nullptr, 0, DataType::float32, ReduceOp::sum);
  const auto half = ranks->split(rank() % 2, rank());
  std::int32_t one = 1;
  half->all_reduce(&one, 1, DataType::int32, ReduceOp::sum);
  EXPECT_EQ(one, half->size());
  EXPECT_EQ(half->size(), (size() + 1 - rank() % 2) / 2);
}

TEST(Staged, SendReachesReceive) {
  if (size() < 2) GTEST_SKIP() << "one rank has no peer";
  PretendedDevice device;
  const auto ranks = make_staged(host(), device);
  std::vector<double> values(4, rank());
  if (rank() == 0) ranks->send(values.data(), 4, DataType::float64, 1);
  if (rank() == 1) {
    ranks->receive(values.data(), 4, DataType::float64, 0);
    EXPECT_EQ(values, std::vector<double>(4, 0.0));
  }
}

}  // namespace
}  // namespace phidias::parallel
