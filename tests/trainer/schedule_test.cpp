#include "trainer/schedule.h"

#include <gtest/gtest.h>

#include <cmath>

#include "base/error.h"

namespace phidias::trainer {
namespace {

using configs::ScheduleName;

configs::StopSection steps(std::int64_t count) {
  configs::StopSection stop;
  stop.steps = count;
  stop.first = "steps";
  return stop;
}

configs::ScheduleSection section(ScheduleName name, std::int64_t warmup, double min_ratio, std::int64_t decay_steps = 0) {
  return {name, warmup, min_ratio, decay_steps};
}

double at_step(const Schedule& schedule, std::int64_t step) { return schedule.at({step, static_cast<double>(step + 1), 0}); }

TEST(Schedule, WarmUpReachesOneStepsShareAtStepZero) {
  const Schedule schedule(section(ScheduleName::cosine, 4, 0), steps(20), 2.0);
  EXPECT_DOUBLE_EQ(at_step(schedule, 0), 0.5);
  EXPECT_DOUBLE_EQ(at_step(schedule, 3), 2.0);
}

TEST(Schedule, CosineEndsAtMinRatioAndStaysThere) {
  const Schedule schedule(section(ScheduleName::cosine, 0, 0.1), steps(10), 1.0);
  EXPECT_NEAR(at_step(schedule, 4), 0.1 + 0.9 * 0.5, 1e-12);
  EXPECT_NEAR(at_step(schedule, 9), 0.1, 1e-12);
  EXPECT_NEAR(at_step(schedule, 25), 0.1, 1e-12);
}

TEST(Schedule, LinearFallsByEqualSteps) {
  const Schedule schedule(section(ScheduleName::linear, 2, 0.0), steps(12), 1.0);
  for (std::int64_t step = 2; step < 12; ++step) EXPECT_NEAR(at_step(schedule, step), 1.0 - static_cast<double>(step - 1) / 10.0, 1e-12);
}

TEST(Schedule, WsdIsFlatUntilItsLastDecaySteps) {
  const Schedule schedule(section(ScheduleName::wsd, 2, 0.2, 4), steps(20), 1.0);
  EXPECT_DOUBLE_EQ(at_step(schedule, 2), 1.0);
  EXPECT_DOUBLE_EQ(at_step(schedule, 15), 1.0);
  EXPECT_NEAR(at_step(schedule, 16), 0.8, 1e-12);
  EXPECT_NEAR(at_step(schedule, 19), 0.2, 1e-12);
}

TEST(Schedule, InverseSquareRootFallsFromTheEndOfWarmUpDownToTheFloor) {
  const Schedule schedule(section(ScheduleName::inverse_sqrt, 4, 0.25), steps(1000), 1.0);
  EXPECT_DOUBLE_EQ(at_step(schedule, 3), 1.0);
  EXPECT_NEAR(at_step(schedule, 15), 0.5, 1e-12);
  EXPECT_DOUBLE_EQ(at_step(schedule, 999), 0.25);
}

TEST(Schedule, ConstantStaysAfterWarmUp) {
  const Schedule schedule(section(ScheduleName::constant, 2, 0), steps(4), 3.0);
  EXPECT_DOUBLE_EQ(at_step(schedule, 0), 1.5);
  EXPECT_DOUBLE_EQ(at_step(schedule, 100), 3.0);
}

TEST(Schedule, ProgressInTokensStartsWhereWarmUpEnded) {
  configs::StopSection stop;
  stop.tokens = 1000;
  stop.first = "tokens";
  const Schedule schedule(section(ScheduleName::linear, 1, 0), stop, 1.0);
  EXPECT_NEAR(schedule.at({5, 600, 200}), 0.5, 1e-12);  // (600 - 200) / (1000 - 200)
  EXPECT_NEAR(schedule.at({9, 1200, 200}), 0.0, 1e-12);
}

TEST(Schedule, ADecayWithoutAnEndIsRefused) {
  configs::StopSection stop;
  stop.time_seconds = 60;
  stop.first = "time";
  EXPECT_THROW(Schedule(section(ScheduleName::cosine, 0, 0), stop, 1.0), ConfigError);
  EXPECT_NO_THROW(Schedule(section(ScheduleName::constant, 0, 0), stop, 1.0));
  EXPECT_THROW(Schedule(section(ScheduleName::wsd, 0, 0, 30), steps(20), 1.0), ConfigError);
}

}  // namespace
}  // namespace phidias::trainer
