// Draws single conversations of the quickstart's families.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/philox.h"
#include "data/synthetic/tasks.h"

namespace phidias::data {

// Draws in order from one Philox stream.
class Draw {
 public:
  explicit Draw(const PhiloxKey& key) : key_(key) {}
  // Uniform in [0, n), n small against 2^32.
  std::size_t below(std::size_t n) { return static_cast<std::size_t>((static_cast<std::uint64_t>(philox_uint32(key_, next_++)) * n) >> 32); }
  template <typename Range>
  auto one_of(const Range& range) {
    return range[below(std::size(range))];
  }

 private:
  PhiloxKey key_;
  std::uint64_t next_ = 0;
};

// `for_test` matters for dictionaries alone: a third of the (entry, wording) pairs is kept for tests, the rest for training.
Task draw_task(std::string_view family, Draw& draw, bool for_test);

}  // namespace phidias::data
