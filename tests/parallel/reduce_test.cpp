#include "parallel/reduce.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <limits>
#include <vector>

namespace phidias::parallel {
namespace {

template <class T>
std::vector<T> reduced(const std::vector<std::vector<T>>& parts, DataType type, ReduceOp op) {
  std::vector<const void*> pointers;
  for (const auto& part : parts) pointers.push_back(part.data());
  std::vector<T> out(parts[0].size());
  reduce_in_rank_order(pointers, out.data(), static_cast<std::int64_t>(out.size()), type, op);
  return out;
}

std::uint16_t bf16_sum(std::uint16_t a, std::uint16_t b) { return reduced<std::uint16_t>({{a}, {b}}, DataType::bfloat16, ReduceOp::sum)[0]; }

TEST(Reduce, AddsFromTheLeft) {
  // 2^24 + 1 rounds back to 2^24: from the left both ones are lost, from the right they would count.
  const float large = 16777216.0f;
  EXPECT_EQ(reduced<float>({{large}, {1.0f}, {1.0f}}, DataType::float32, ReduceOp::sum)[0], large);
  EXPECT_EQ(reduced<float>({{1.0f}, {1.0f}, {large}}, DataType::float32, ReduceOp::sum)[0], large + 2);
}

TEST(Reduce, CoversEveryElementAcrossBlocks) {
  for (const std::size_t count : {std::size_t{0}, std::size_t{1}, std::size_t{1023}, std::size_t{1024}, std::size_t{1025}, std::size_t{5000}}) {
    std::vector<std::vector<std::int64_t>> parts(3, std::vector<std::int64_t>(count));
    for (std::size_t i = 0; i < count; ++i) {
      for (std::size_t p = 0; p < 3; ++p) parts[p][i] = static_cast<std::int64_t>((p + 1) * i);
    }
    const auto out = reduced(parts, DataType::int64, ReduceOp::sum);
    for (std::size_t i = 0; i < count; ++i) ASSERT_EQ(out[i], static_cast<std::int64_t>(6 * i));
  }
}

TEST(Reduce, OutMayBeOneOfTheParts) {
  std::vector<double> a = {1, 2, 3}, b = {10, 20, 30};
  const void* parts[] = {a.data(), b.data()};
  reduce_in_rank_order(parts, b.data(), 3, DataType::float64, ReduceOp::sum);
  EXPECT_EQ(b, (std::vector<double>{11, 22, 33}));
}

TEST(Reduce, RoundsBfloat16ToNearestEven) {
  const std::uint16_t one = 0x3f80, ulp_half = 0x3b80;  // 1 and 2^-8, half of the last place of 1
  EXPECT_EQ(bf16_sum(one, ulp_half), one);              // a tie: to the even 1
  EXPECT_EQ(bf16_sum(0x3f81, ulp_half), 0x3f82);        // a tie: up to the even one
  EXPECT_EQ(bf16_sum(one, 0x3b81), 0x3f81);             // just above the tie
  EXPECT_EQ(bf16_sum(0x7f7f, 0x7f7f), 0x7f80);          // overflow is infinity
  EXPECT_TRUE(std::isnan(std::bit_cast<float>(std::uint32_t{bf16_sum(0x7f80, 0xff80)} << 16)));
  EXPECT_TRUE(std::isnan(std::bit_cast<float>(std::uint32_t{bf16_sum(0x7fff, one)} << 16)));  // not rounded up into a zero
}

TEST(Reduce, KnowsEveryTypeAndOperation) {
  EXPECT_EQ(reduced<std::uint8_t>({{3, 200}, {4, 100}}, DataType::uint8, ReduceOp::max), (std::vector<std::uint8_t>{4, 200}));
  EXPECT_EQ(reduced<std::uint8_t>({{3, 200}, {4, 50}}, DataType::uint8, ReduceOp::sum), (std::vector<std::uint8_t>{7, 250}));
  EXPECT_EQ(reduced<std::int32_t>({{-3, 2}, {4, -9}}, DataType::int32, ReduceOp::min), (std::vector<std::int32_t>{-3, -9}));
  const double nan = std::numeric_limits<double>::quiet_NaN();
  for (const ReduceOp op : {ReduceOp::max, ReduceOp::min}) {
    EXPECT_TRUE(std::isnan(reduced<double>({{nan}, {1}, {2}}, DataType::float64, op)[0]));
    EXPECT_TRUE(std::isnan(reduced<double>({{1}, {nan}, {2}}, DataType::float64, op)[0]));
    EXPECT_TRUE(std::isnan(reduced<double>({{1}, {2}, {nan}}, DataType::float64, op)[0]));
  }
}

}  // namespace
}  // namespace phidias::parallel
