#include "trainer/schedule.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "base/error.h"

namespace phidias::trainer {
namespace {

ScheduleUnit unit_of(const configs::StopSection& stop) {
  if (stop.first == "steps") return ScheduleUnit::steps;
  if (stop.first == "tokens") return ScheduleUnit::tokens;
  if (stop.first == "epochs") return ScheduleUnit::epochs;
  if (stop.first == "time") return ScheduleUnit::time;
  throw ConfigError("stop: give at least one of steps, epochs, tokens, time");
}

double total_of(const configs::StopSection& stop, ScheduleUnit unit) {
  switch (unit) {
    case ScheduleUnit::steps:
      return static_cast<double>(stop.steps.value());
    case ScheduleUnit::tokens:
      return static_cast<double>(stop.tokens.value());
    case ScheduleUnit::epochs:
      return stop.epochs.value();
    case ScheduleUnit::time:
      return 0;
  }
  return 0;
}

}  // namespace

Schedule::Schedule(const configs::ScheduleSection& schedule, const configs::StopSection& stop, double learning_rate)
    : schedule_(schedule), learning_rate_(learning_rate), unit_(unit_of(stop)), total_(total_of(stop, unit_)) {
  using configs::ScheduleName;
  const bool open_ended = schedule.name == ScheduleName::constant || schedule.name == ScheduleName::inverse_sqrt;
  if (unit_ == ScheduleUnit::time && !open_ended)
    throw ConfigError(
        "schedule.name: stop.time gives no end to a decaying schedule; use schedule.name: constant, or put stop.steps, stop.epochs or "
        "stop.tokens first");
  if (schedule.name == ScheduleName::wsd && unit_ != ScheduleUnit::steps)
    throw ConfigError("schedule.name: wsd counts decay_steps back from the last step and needs stop.steps first");
  if (schedule.name == ScheduleName::wsd && (schedule.decay_steps <= 0 || static_cast<double>(schedule.decay_steps) > total_))
    throw ConfigError("schedule.decay_steps: wsd needs a number between 1 and stop.steps");
}

double Schedule::progress(const SchedulePoint& point) const {
  const double begin = unit_ == ScheduleUnit::steps ? static_cast<double>(schedule_.warmup_steps) : (schedule_.warmup_steps > 0 ? point.warmup_consumed : 0.0);
  if (total_ <= begin) return 1.0;
  return std::clamp((point.consumed - begin) / (total_ - begin), 0.0, 1.0);
}

double Schedule::ratio(const SchedulePoint& point) const {
  const double reached = static_cast<double>(point.step + 1);
  if (point.step < schedule_.warmup_steps) return reached / static_cast<double>(schedule_.warmup_steps);
  const double floor = schedule_.min_ratio;
  switch (schedule_.name) {
    case configs::ScheduleName::constant:
      return 1.0;
    case configs::ScheduleName::linear:
      return 1.0 - (1.0 - floor) * progress(point);
    case configs::ScheduleName::cosine:
      return floor + (1.0 - floor) * 0.5 * (1.0 + std::cos(std::numbers::pi * progress(point)));
    case configs::ScheduleName::wsd: {
      const double length = static_cast<double>(schedule_.decay_steps);
      return 1.0 - (1.0 - floor) * std::clamp((reached - (total_ - length)) / length, 0.0, 1.0);
    }
    case configs::ScheduleName::inverse_sqrt:
      return std::max(floor, std::sqrt(static_cast<double>(std::max<std::int64_t>(schedule_.warmup_steps, 1)) / reached));
  }
  return 1.0;
}

double Schedule::at(const SchedulePoint& point) const { return learning_rate_ * ratio(point); }

}  // namespace phidias::trainer
