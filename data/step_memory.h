// Where the data stood before earlier steps, so that any step is found by replaying at most 64: for sources whose steps follow one from the other.
//
//   StepMemory<DataPosition> memory;
//   DataPosition position = memory.before(step, [&](DataPosition& at) { take(at); });      // `take` moves a position on by one step
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "base/error.h"

namespace phidias::data {

template <class Position>  // has `step`; the default is the beginning
class StepMemory {
 public:
  template <class Take>
  Position before(std::int64_t step, const Take& take) {
    if (step < 0) throw ConfigError("sampler: step " + std::to_string(step) + " does not exist");
    Position position = std::prev(anchors_.upper_bound(step))->second;
    while (position.step < step) {
      take(position);
      remember(position);
    }
    return position;
  }

  // Keeps every 64th position and the newest two (a batch is made one step ahead of the position that is asked for).
  void remember(const Position& position) {
    anchors_[position.step] = position;
    const auto old = anchors_.find(position.step - 3);
    if (old != anchors_.end() && old->first % kAnchorSteps != 0) anchors_.erase(old);
  }

  // Forgets all but the beginning and `position`.
  void restart(const Position& position) {
    anchors_.clear();
    anchors_[0] = Position{};
    anchors_[position.step] = position;
  }

 private:
  static constexpr std::int64_t kAnchorSteps = 64;
  std::map<std::int64_t, Position> anchors_ = {{0, Position{}}};
};

}  // namespace phidias::data
