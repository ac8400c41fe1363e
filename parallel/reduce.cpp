#include "parallel/reduce.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>

namespace phidias::parallel {
namespace {

constexpr std::int64_t kBlock = 1024;  // accumulators stay in the first-level cache

struct Bfloat16 {
  std::uint16_t bits;
};

float widen(Bfloat16 value) { return std::bit_cast<float>(std::uint32_t{value.bits} << 16); }
template <class T>
T widen(T value) {
  return value;
}

template <class T, class A>
T narrow(A value) {
  if constexpr (std::is_same_v<T, Bfloat16>) {
    const std::uint32_t bits = std::bit_cast<std::uint32_t>(value);
    const bool is_nan = (bits & 0x7fffffffu) > 0x7f800000u;  // rounding must not turn it into an infinity
    return {static_cast<std::uint16_t>(is_nan ? bits >> 16 | 0x40u : (bits + 0x7fffu + (bits >> 16 & 1u)) >> 16)};
  } else {
    return value;
  }
}

struct Sum {
  template <class A>
  static A apply(A a, A b) {
    return static_cast<A>(a + b);
  }
};
struct Max {
  template <class A>
  static A apply(A a, A b) {
    return a > b || a != a ? a : b;
  }
};
struct Min {
  template <class A>
  static A apply(A a, A b) {
    return a < b || a != a ? a : b;
  }
};

template <class T, class Op>
void reduce(std::span<const void* const> parts, T* out, std::int64_t count) {
  using A = decltype(widen(T{}));
  A accumulator[kBlock];
  for (std::int64_t begin = 0; begin < count; begin += kBlock) {
    const std::int64_t length = std::min(kBlock, count - begin);
    const T* first = static_cast<const T*>(parts[0]) + begin;
    for (std::int64_t i = 0; i < length; ++i) accumulator[i] = widen(first[i]);
    for (std::size_t p = 1; p < parts.size(); ++p) {
      const T* part = static_cast<const T*>(parts[p]) + begin;
      for (std::int64_t i = 0; i < length; ++i) accumulator[i] = Op::apply(accumulator[i], widen(part[i]));
    }
    for (std::int64_t i = 0; i < length; ++i) out[begin + i] = narrow<T>(accumulator[i]);
  }
}

template <class T>
void reduce(std::span<const void* const> parts, void* out, std::int64_t count, ReduceOp op) {
  T* typed = static_cast<T*>(out);
  switch (op) {
    case ReduceOp::sum:
      return reduce<T, Sum>(parts, typed, count);
    case ReduceOp::max:
      return reduce<T, Max>(parts, typed, count);
    case ReduceOp::min:
      return reduce<T, Min>(parts, typed, count);
  }
}

}  // namespace

void reduce_in_rank_order(std::span<const void* const> parts, void* out, std::int64_t count, DataType type, ReduceOp op) {
  switch (type) {
    case DataType::float32:
      return reduce<float>(parts, out, count, op);
    case DataType::float64:
      return reduce<double>(parts, out, count, op);
    case DataType::bfloat16:
      return reduce<Bfloat16>(parts, out, count, op);
    case DataType::int32:
      return reduce<std::int32_t>(parts, out, count, op);
    case DataType::int64:
      return reduce<std::int64_t>(parts, out, count, op);
    case DataType::uint8:
      return reduce<std::uint8_t>(parts, out, count, op);
  }
}

}  // namespace phidias::parallel
