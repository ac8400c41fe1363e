// Buffers "on a device" that is host memory behind an offset: reading or writing one without a copy would crash or give other bits.
#include "parallel/staged_communicator.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <cstring>
#include <numeric>
#include <vector>

#include "tests/support/mpi_test.h"

namespace phidias::parallel {
namespace {

// Device memory holds every byte inverted.
class InvertedMemory : public DeviceMemory {
 public:
  void copy_to_host(void* host, const void* device, std::size_t bytes) override { invert(host, device, bytes); }
  void copy_to_device(void* device, const void* host, std::size_t bytes) override { invert(device, host, bytes); }
  void* allocate_pinned(std::size_t bytes) override {
    ++pinned;
    return std::malloc(bytes);
  }
  void free_pinned(void* memory) override {
    if (memory != nullptr) --pinned;
    std::free(memory);
  }
  static void invert(void* out, const void* in, std::size_t bytes) {
    for (std::size_t i = 0; i < bytes; ++i) static_cast<unsigned char*>(out)[i] = static_cast<unsigned char>(~static_cast<const unsigned char*>(in)[i]);
  }
  int pinned = 0;
};

class Staged : public ::testing::Test {
 protected:
  Communicator& host() { return phidias::mpi_test::world().host(); }
  std::vector<std::int32_t> device(std::vector<std::int32_t> values) {
    InvertedMemory::invert(values.data(), values.data(), values.size() * 4);
    return values;
  }
  InvertedMemory memory;
};

TEST_F(Staged, ReducesAcrossPieces) {
  const auto ranks = make_staged(host(), memory);
  const std::int64_t count = kStagingBytes / 4 + 1000;  // two pieces
  std::vector<std::int32_t> values(static_cast<std::size_t>(count));
  std::iota(values.begin(), values.end(), ranks->rank());
  values = device(std::move(values));
  ranks->all_reduce(values.data(), count, DataType::int32, ReduceOp::max);
  values = device(std::move(values));
  for (std::int64_t i = 0; i < count; i += 4099) ASSERT_EQ(values[static_cast<std::size_t>(i)], i + ranks->size() - 1);
  EXPECT_EQ(values.back(), count - 1 + ranks->size() - 1);
}

TEST_F(Staged, StartedReductionsFinishInOrder) {
  const auto ranks = make_staged(host(), memory);
  std::vector<std::int32_t> a = device({1, 2}), b = device({3});
  auto first = ranks->start_all_reduce(a.data(), 2, DataType::int32, ReduceOp::sum);
  auto second = ranks->start_all_reduce(b.data(), 1, DataType::int32, ReduceOp::sum);
  if (ranks->rank() == 0) second->wait();
  ranks->barrier();
  first->wait();
  second->wait();
  EXPECT_EQ(device(a), (std::vector<std::int32_t>{ranks->size(), 2 * ranks->size()}));
  EXPECT_EQ(device(b), (std::vector<std::int32_t>{3 * ranks->size()}));
}

TEST_F(Staged, GathersScattersAndBroadcasts) {
  const auto ranks = make_staged(host(), memory);
  const int size = ranks->size(), rank = ranks->rank();
  std::vector<std::int32_t> mine = device({rank, 10 + rank}), all(static_cast<std::size_t>(2 * size)), expected;
  ranks->all_gather(mine.data(), all.data(), 2, DataType::int32);
  for (int r = 0; r < size; ++r) expected.insert(expected.end(), {r, 10 + r});
  EXPECT_EQ(device(all), expected);

  std::vector<std::int32_t> part(2);
  ranks->reduce_scatter(all.data(), part.data(), 2, DataType::int32, ReduceOp::sum);  // `all` is the same on every rank
  EXPECT_EQ(device(part), (std::vector<std::int32_t>{size * rank, size * (10 + rank)}));

  std::vector<std::int32_t> word = device({rank == size - 1 ? 77 : 0});
  ranks->broadcast(word.data(), 1, DataType::int32, size - 1);
  EXPECT_EQ(device(word)[0], 77);

  const std::vector<std::int64_t> ones(static_cast<std::size_t>(size), 1);
  std::vector<std::int32_t> outgoing, incoming(static_cast<std::size_t>(size)), from_all;
  for (int r = 0; r < size; ++r) {
    outgoing.push_back(100 * rank + r);
    from_all.push_back(100 * r + rank);
  }
  outgoing = device(outgoing);
  ranks->all_to_all_v(outgoing.data(), ones, incoming.data(), ones, DataType::int32);
  EXPECT_EQ(device(incoming), from_all);
  const auto group = ranks->split(0, rank);
  EXPECT_EQ(group->size(), size);
}

TEST_F(Staged, PinnedMemoryIsGivenBack) {
  {
    const auto ranks = make_staged(host(), memory);
    std::vector<std::int32_t> values = device({1});
    ranks->all_reduce(values.data(), 1, DataType::int32, ReduceOp::sum);
    EXPECT_GT(memory.pinned, 0);
  }
  EXPECT_EQ(memory.pinned, 0);
}

}  // namespace
}  // namespace phidias::parallel
