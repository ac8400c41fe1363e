#include "trainer/stop.h"

#include <algorithm>

namespace phidias::trainer {
namespace {

// Epochs are sums of fractions of records: a run of 3 epochs ends at the last record, not one rounding error after it.
constexpr double kEpochRounding = 1e-9;

}  // namespace

StopCondition::StopCondition(const configs::StopSection& stop, std::optional<std::int64_t> max_steps) : stop_(stop) {
  if (max_steps) stop_.steps = std::min(*max_steps, stop_.steps.value_or(*max_steps));
}

double StopCondition::fraction(const TrainState& state) const {
  double done = 0;
  const auto reach = [&done](double value, double limit) { done = std::max(done, limit > 0 ? value / limit : 1.0); };
  if (stop_.steps) reach(static_cast<double>(state.step), static_cast<double>(*stop_.steps));
  if (stop_.tokens) reach(static_cast<double>(state.data.tokens), static_cast<double>(*stop_.tokens));
  if (stop_.epochs) reach(state.epochs + kEpochRounding, *stop_.epochs);
  if (stop_.time_seconds) reach(state.seconds, *stop_.time_seconds);
  return std::min(done, 1.0);
}

bool StopCondition::reached(const TrainState& state) const { return fraction(state) >= 1.0; }

std::int64_t StopCondition::known_steps() const { return stop_.steps.value_or(0); }

}  // namespace phidias::trainer
