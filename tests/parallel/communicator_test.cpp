// The collectives of the world's host communicator on every number of ranks, through shared memory and through MPI.
#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <limits>
#include <numeric>
#include <vector>

#include "base/error.h"
#include "base/philox.h"
#include "parallel/local_ranks.h"
#include "parallel/mpi_communicator.h"
#include "parallel/reduce.h"
#include "tests/support/mpi_test.h"

namespace phidias::parallel {
namespace {

Communicator& host() { return phidias::mpi_test::world().host(); }
int rank() { return host().rank(); }
int size() { return host().size(); }

// Sizes around every boundary: empty, one, fewer than ranks, one chunk of shared memory, several chunks, several chunks of the sliced path.
const std::vector<std::int64_t> kCounts = {0, 1, 3, 1000, 65536, 65537, 300001, 3000001};

enum class Transport { shared_memory, mpi };

class Reductions : public ::testing::TestWithParam<Transport> {
 protected:
  void SetUp() override {
    if (auto* mpi = dynamic_cast<MpiCommunicator*>(&host())) mpi->use_shared_memory(GetParam() == Transport::shared_memory);
  }
  void TearDown() override {
    if (auto* mpi = dynamic_cast<MpiCommunicator*>(&host())) mpi->use_shared_memory(true);
  }
};
INSTANTIATE_TEST_SUITE_P(Transports, Reductions, ::testing::Values(Transport::shared_memory, Transport::mpi),
                         [](const auto& info) { return info.param == Transport::mpi ? "Mpi" : "SharedMemory"; });

// What rank r contributes: any rank can compute all of it.
std::vector<float> contribution(int r, std::int64_t count) {
  const PhiloxKey key = philox_key(7, RandomSite::weight_init, static_cast<std::uint64_t>(r));
  std::vector<float> values(static_cast<std::size_t>(count));
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = philox_uniform(key, i) - 0.5f;
  return values;
}

TEST_P(Reductions, AddFloatsInRankOrderBitForBit) {
  for (const std::int64_t count : kCounts) {
    std::vector<float> mine = contribution(rank(), count), expected(mine.size(), 0.0f);
    for (int r = 0; r < size(); ++r) {
      const std::vector<float> theirs = contribution(r, count);
      for (std::size_t i = 0; i < expected.size(); ++i) expected[i] = r == 0 ? theirs[i] : expected[i] + theirs[i];
    }
    host().all_reduce(mine.data(), count, DataType::float32, ReduceOp::sum);
    EXPECT_EQ(0, std::memcmp(mine.data(), expected.data(), mine.size() * sizeof(float))) << count;
  }
}

TEST_P(Reductions, AddIntegersAndDoublesExactly) {
  for (const std::int64_t count : {std::int64_t{5}, std::int64_t{200003}}) {
    std::vector<std::int64_t> whole(static_cast<std::size_t>(count));
    std::vector<double> real(whole.size());
    std::vector<std::int32_t> small(whole.size());
    for (std::size_t i = 0; i < whole.size(); ++i) {
      whole[i] = (std::int64_t{1} << 40) * (rank() + 1) + static_cast<std::int64_t>(i);
      real[i] = std::ldexp(1.0, 45) * (rank() + 1) + static_cast<double>(i);
      small[i] = rank() - static_cast<std::int32_t>(i);
    }
    host().all_reduce(whole.data(), count, DataType::int64, ReduceOp::sum);
    host().all_reduce(real.data(), count, DataType::float64, ReduceOp::sum);
    host().all_reduce(small.data(), count, DataType::int32, ReduceOp::sum);
    const std::int64_t ranks = size(), ranks_sum = ranks * (ranks + 1) / 2;
    for (std::size_t i = 0; i < whole.size(); i += 997) {
      EXPECT_EQ(whole[i], (std::int64_t{1} << 40) * ranks_sum + ranks * static_cast<std::int64_t>(i));
      EXPECT_EQ(real[i], std::ldexp(1.0, 45) * static_cast<double>(ranks_sum) + static_cast<double>(ranks) * static_cast<double>(i));
      EXPECT_EQ(small[i], ranks_sum - ranks - ranks * static_cast<std::int64_t>(i));
    }
  }
}

TEST_P(Reductions, AddBfloat16InFloat32AndRoundOnce) {
  // 256 + 1 is not a bfloat16 (8 bits of significand): rounding after every addition would lose each 1, rounding once keeps their sum.
  const std::uint16_t large = 0x4380, one = 0x3f80;  // 256, 1
  std::vector<std::uint16_t> values(70001, rank() == 0 ? large : one);
  host().all_reduce(values.data(), static_cast<std::int64_t>(values.size()), DataType::bfloat16, ReduceOp::sum);
  // 256 (1 rank), 257 -> 256 (tie to even), 258, 259 -> 260 (tie to even)
  const float expected[] = {256, 256, 258, 260};
  for (const std::uint16_t value : values) ASSERT_EQ(std::bit_cast<float>(std::uint32_t{value} << 16), expected[size() - 1]);
}

TEST_P(Reductions, FindMaximumAndMinimumAndKeepNotANumber) {
  std::vector<float> values = {static_cast<float>(rank()), static_cast<float>(-rank()), rank() == size() - 1 ? std::nanf("") : 1e30f};
  std::vector<float> low = values;
  host().all_reduce(values.data(), 3, DataType::float32, ReduceOp::max);
  host().all_reduce(low.data(), 3, DataType::float32, ReduceOp::min);
  EXPECT_EQ(values[0], static_cast<float>(size() - 1));
  EXPECT_EQ(values[1], 0.0f);
  EXPECT_EQ(low[0], 0.0f);
  EXPECT_EQ(low[1], static_cast<float>(1 - size()));
  EXPECT_TRUE(std::isnan(values[2]));
  EXPECT_TRUE(std::isnan(low[2]));
}

TEST_P(Reductions, StartedOnesRunInTheOrderOfTheirStartWhateverTheOrderOfWaiting) {
  std::vector<std::vector<float>> buffers;
  std::vector<std::unique_ptr<Work>> works;
  for (int b = 0; b < 5; ++b) buffers.emplace_back(100 + 40000 * b, static_cast<float>(rank() + b));
  for (auto& buffer : buffers) {
    works.push_back(host().start_all_reduce(buffer.data(), static_cast<std::int64_t>(buffer.size()), DataType::float32, ReduceOp::sum));
  }
  if (rank() % 2 == 0) works[3]->wait();  // ranks wait differently, and another collective comes between
  host().barrier();
  for (auto& work : works) work->wait();
  for (int b = 0; b < 5; ++b) {
    const float expected = static_cast<float>(size() * (size() - 1) / 2 + size() * b);
    EXPECT_EQ(buffers[static_cast<std::size_t>(b)].front(), expected);
    EXPECT_EQ(buffers[static_cast<std::size_t>(b)].back(), expected);
  }
}

TEST(Communicator, ReduceScatterGivesEveryRankItsPart) {
  for (const std::int64_t count : {std::int64_t{0}, std::int64_t{1}, std::int64_t{700001}}) {
    std::vector<float> in(static_cast<std::size_t>(count * size())), out(static_cast<std::size_t>(count));
    for (std::size_t i = 0; i < in.size(); ++i) in[i] = static_cast<float>(rank() + 1) * static_cast<float>(i % 4093);  // exact in float32
    host().reduce_scatter(in.data(), out.data(), count, DataType::float32, ReduceOp::sum);
    const float factor = static_cast<float>(size() * (size() + 1) / 2);
    for (std::int64_t i = 0; i < count; i += 17) {
      ASSERT_EQ(out[static_cast<std::size_t>(i)], factor * static_cast<float>((rank() * count + i) % 4093));
    }
  }
}

TEST_P(Reductions, ScatterBitForBitWhatAllReduceGivesAlsoInPlace) {
  for (const std::int64_t count : kCounts) {
    std::vector<float> whole = contribution(rank(), count * size()), reduced = whole, apart(static_cast<std::size_t>(count));
    float* const own = whole.data() + rank() * count;
    host().all_reduce(reduced.data(), count * size(), DataType::float32, ReduceOp::sum);
    host().reduce_scatter(whole.data(), apart.data(), count, DataType::float32, ReduceOp::sum);
    host().reduce_scatter(whole.data(), own, count, DataType::float32, ReduceOp::sum);
    const std::size_t bytes = apart.size() * sizeof(float);
    EXPECT_EQ(0, std::memcmp(apart.data(), reduced.data() + rank() * count, bytes)) << count;
    EXPECT_EQ(0, std::memcmp(own, reduced.data() + rank() * count, bytes)) << count;
  }
}

TEST_P(Reductions, GatherEqualPartsAlsoInPlace) {
  for (const std::int64_t count : kCounts) {
    std::vector<std::uint8_t> mine(static_cast<std::size_t>(count)), whole(static_cast<std::size_t>(count * size())), expected = whole;
    const auto byte = [](int r, std::int64_t i) { return static_cast<std::uint8_t>(31 * r + i % 251); };
    for (int r = 0; r < size(); ++r)
      for (std::int64_t i = 0; i < count; ++i) expected[static_cast<std::size_t>(r * count + i)] = byte(r, i);
    for (std::int64_t i = 0; i < count; ++i) mine[static_cast<std::size_t>(i)] = whole[static_cast<std::size_t>(rank() * count + i)] = byte(rank(), i);
    host().all_gather(whole.data() + rank() * count, whole.data(), count, DataType::uint8);
    EXPECT_EQ(whole, expected);
    std::fill(whole.begin(), whole.end(), std::uint8_t{255});
    host().all_gather(mine.data(), whole.data(), count, DataType::uint8);
    EXPECT_EQ(whole, expected);
  }
}

TEST_P(Reductions, ScattersAndGathersCanBeStartedAndWaitedForInAnyOrder) {
  constexpr std::int64_t kCount = 50000;
  std::vector<float> gradients(static_cast<std::size_t>(kCount * size()), static_cast<float>(rank() + 1)), sums(kCount), values(kCount),
      gathered(gradients.size());
  std::fill(values.begin(), values.end(), static_cast<float>(10 * rank()));
  const auto scatter = host().start_reduce_scatter(gradients.data(), sums.data(), kCount, DataType::float32, ReduceOp::sum);
  const auto gather = host().start_all_gather(values.data(), gathered.data(), kCount, DataType::float32);
  if (rank() % 2 == 0) gather->wait();
  scatter->wait();
  gather->wait();
  for (const float sum : sums) ASSERT_EQ(sum, static_cast<float>(size() * (size() + 1) / 2));
  for (std::size_t i = 0; i < gathered.size(); ++i) ASSERT_EQ(gathered[i], static_cast<float>(10 * (i / kCount)));
}

TEST(Communicator, GathersPartsOfDifferentLengths) {
  std::vector<std::int64_t> counts;
  for (int r = 0; r < size(); ++r) counts.push_back(r == 1 ? 0 : 100 * r + 3);
  const std::vector<std::int32_t> mine(static_cast<std::size_t>(counts[static_cast<std::size_t>(rank())]), rank() + 10);
  std::vector<std::int32_t> all(static_cast<std::size_t>(std::accumulate(counts.begin(), counts.end(), std::int64_t{0})));
  host().all_gather_v(mine.data(), static_cast<std::int64_t>(mine.size()), all.data(), counts, DataType::int32);
  std::vector<std::int32_t> expected;
  for (int r = 0; r < size(); ++r) expected.insert(expected.end(), static_cast<std::size_t>(counts[static_cast<std::size_t>(r)]), r + 10);
  EXPECT_EQ(all, expected);
}

TEST(Communicator, ExchangesDifferentCountsBetweenAllPairs) {
  const auto count = [](int from, int to) { return std::int64_t{(from + 2 * to) % 3}; };  // some are 0
  std::vector<std::int64_t> send_counts, receive_counts, sent, expected;
  for (int r = 0; r < size(); ++r) {
    send_counts.push_back(count(rank(), r));
    receive_counts.push_back(count(r, rank()));
    sent.insert(sent.end(), static_cast<std::size_t>(send_counts.back()), 100 * rank() + r);
    expected.insert(expected.end(), static_cast<std::size_t>(receive_counts.back()), 100 * r + rank());
  }
  std::vector<std::int64_t> received(expected.size());
  host().all_to_all_v(sent.data(), send_counts, received.data(), receive_counts, DataType::int64);
  EXPECT_EQ(received, expected);
}

TEST(Communicator, BroadcastsFromAnyRoot) {
  for (int root = 0; root < size(); ++root) {
    std::vector<std::int32_t> values(100000, rank() == root ? 42 + root : -1);
    host().broadcast(values.data(), static_cast<std::int64_t>(values.size()), DataType::int32, root);
    EXPECT_EQ(values, std::vector<std::int32_t>(values.size(), 42 + root));
  }
}

TEST(Communicator, CarriesStrings) {
  EXPECT_EQ(broadcast_string(host(), rank() == 0 ? std::string("caf\xc3\xa9\0x", 7) : "other"), std::string("caf\xc3\xa9\0x", 7));
  EXPECT_EQ(broadcast_string(host(), ""), "");
  const std::vector<std::string> all = all_gather_strings(host(), std::string(static_cast<std::size_t>(rank()), 'a'));
  for (int r = 0; r < size(); ++r) EXPECT_EQ(all[static_cast<std::size_t>(r)], std::string(static_cast<std::size_t>(r), 'a'));
}

TEST(Communicator, SendsAroundARing) {
  if (size() == 1) {
    int value = 0;
    EXPECT_THROW(host().send(&value, 1, DataType::int32, 0), CommunicationError);
    return;
  }
  const int next = (rank() + 1) % size(), before = (rank() + size() - 1) % size();
  std::vector<std::int32_t> mine(50000, rank()), theirs(50000, -1);
  const auto count = static_cast<std::int64_t>(mine.size());
  if (rank() == 0) host().send(mine.data(), count, DataType::int32, next);
  host().receive(theirs.data(), count, DataType::int32, before);
  if (rank() != 0) host().send(mine.data(), count, DataType::int32, next);
  EXPECT_EQ(theirs, std::vector<std::int32_t>(theirs.size(), before));
}

TEST(Communicator, SplitsIntoGroupsOrderedByKey) {
  const std::unique_ptr<Communicator> group = host().split(rank() % 2, -rank());
  const int expected_size = (size() + (rank() % 2 == 0 ? 1 : 0)) / 2;
  ASSERT_EQ(group->size(), expected_size);
  EXPECT_EQ(group->rank(), expected_size - 1 - rank() / 2);
  std::int32_t sum = rank();
  group->all_reduce(&sum, 1, DataType::int32, ReduceOp::sum);
  std::int32_t expected = 0;
  for (int r = rank() % 2; r < size(); r += 2) expected += r;
  EXPECT_EQ(sum, expected);
}

TEST(World, ArrangesItsAxesAndRefusesWhatDoesNotFit) {
  World& world = phidias::mpi_test::world();
  EXPECT_EQ(world.mesh().data, size());
  EXPECT_THROW(world.arrange({.data = size() + 1}), ConfigError);
  EXPECT_THROW(world.arrange({.data = 0, .expert = size() + 1}), ConfigError);
  EXPECT_THROW(world.arrange({.data = 0, .expert = 0}), ConfigError);
  if (size() % 2 == 0) {
    world.arrange({.data = 0, .expert = 1, .context = 2});
    EXPECT_EQ(world.mesh().data, size() / 2);
    EXPECT_EQ(world.data_size(), size() / 2);
    EXPECT_EQ(world.data_rank(), rank() / 2);  // context is innermost: neighbours see the same records
  }
  world.arrange({});
  EXPECT_EQ(world.data_rank(), rank());
}

TEST(World, NumbersTheRanksOfEachHost) {
  World& world = phidias::mpi_test::world();
  const Hash128 mine = host_identity();
  const std::vector<std::string> hosts = all_gather_strings(host(), mine.hex());
  EXPECT_EQ(world.local_size(), std::count(hosts.begin(), hosts.end(), mine.hex()));
  EXPECT_EQ(world.local_rank(), std::count(hosts.begin(), hosts.begin() + rank(), mine.hex()));
  EXPECT_EQ(host_identity(), mine);
}

}  // namespace
}  // namespace phidias::parallel
