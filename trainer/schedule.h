// The learning rate of a step.
//
// Step s (from 0) uses learning_rate * f(s + 1): warm-up (s + 1) / warmup_steps, afterwards the schedule at
//   progress = (consumed - consumed at the end of warm-up) / (total - consumed at the end of warm-up), clamped to [0, 1],
// where consumed counts the step itself, in the unit of the first stop condition (steps, tokens or epochs). In steps that is
// (s + 1 - warmup) / (steps - warmup). With m = min_ratio, p = progress:
//   constant 1;  linear 1 - (1 - m) p;  cosine m + (1 - m) (1 + cos(pi p)) / 2;
//   wsd 1, and over the last decay_steps steps linear down to m;  inverse_sqrt max(m, sqrt(max(warmup, 1) / (s + 1))).
// transformers counts s from 0 instead, which gives rate 0 at the first step; its cosine rises again past its end.
#pragma once

#include <cstdint>

#include "configs/run_config.h"

namespace phidias::trainer {

enum class ScheduleUnit { steps, tokens, epochs, time };

struct SchedulePoint {
  std::int64_t step = 0;       // s
  double consumed = 0;         // steps, tokens or epochs including step s
  double warmup_consumed = 0;  // the same when warm-up ended; ignored while it lasts and in steps
};

class Schedule {
 public:
  // Throws ConfigError: a schedule that needs an end without stop.steps, tokens or epochs first; wsd in another unit than steps; warm-up beyond the end.
  Schedule(const configs::ScheduleSection& schedule, const configs::StopSection& stop, double learning_rate);
  double at(const SchedulePoint& point) const;
  double ratio(const SchedulePoint& point) const;
  ScheduleUnit unit() const { return unit_; }
  double total() const { return total_; }
  bool warming_up(std::int64_t step) const { return step + 1 <= schedule_.warmup_steps; }

 private:
  double progress(const SchedulePoint& point) const;
  configs::ScheduleSection schedule_;
  double learning_rate_;
  ScheduleUnit unit_ = ScheduleUnit::steps;
  double total_ = 0;  // in unit_; 0: open end (time)
};

}  // namespace phidias::trainer
