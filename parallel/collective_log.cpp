#include "parallel/collective_log.h"

#include <sched.h>

#include <thread>
#include <utility>

#include "base/error.h"
#include "base/progress.h"

namespace phidias::parallel {
namespace {

constexpr int kSpinRounds = 100;
// A transfer through shared memory moves only while it is looked at, so sleeping starts late and stays short for a while.
constexpr std::chrono::milliseconds kYieldTime{500}, kShortSleepTime{5000};
constexpr std::chrono::microseconds kShortSleep{50}, kLongSleep{500};

double seconds(std::chrono::steady_clock::duration time) { return std::chrono::duration<double>(time).count(); }

}  // namespace

std::string describe(const Collective& collective) {
  return collective.operation + " " + std::to_string(collective.sequence) + " of " + format_bytes(static_cast<double>(collective.bytes)) + " in group " +
         collective.group;
}

void CollectiveLog::set_timeout(double seconds) {
  const std::lock_guard lock(mutex_);
  timeout_seconds_ = seconds;
}

double CollectiveLog::timeout() const {
  const std::lock_guard lock(mutex_);
  return timeout_seconds_;
}

void CollectiveLog::begin(const Collective& collective) {
  const std::lock_guard lock(mutex_);
  last_ = collective;
  under_way_ = true;
  since_ = std::chrono::steady_clock::now();
}

void CollectiveLog::end() {
  const std::lock_guard lock(mutex_);
  under_way_ = false;
  since_ = std::chrono::steady_clock::now();
}

std::string CollectiveLog::last() const {
  const std::lock_guard lock(mutex_);
  if (last_.sequence == 0) return "none yet";
  const std::string age = format_duration(seconds(std::chrono::steady_clock::now() - since_));
  return describe(last_) + (under_way_ ? ", begun " : ", left ") + age + " ago";
}

CollectiveScope::CollectiveScope(CollectiveLog& log, Collective collective)
    : log_(log),
      collective_(std::move(collective)),
      start_(std::chrono::steady_clock::now()),
      deadline_(start_ + std::chrono::duration_cast<std::chrono::steady_clock::duration>(std::chrono::duration<double>(log.timeout()))),
      waiting_since_(start_) {
  log_.begin(collective_);
}

void CollectiveScope::pause() {
  if (rounds_++ < kSpinRounds) return;
  const auto now = std::chrono::steady_clock::now();
  if (rounds_ == kSpinRounds + 1) waiting_since_ = now;
  if (now > deadline_) {
    throw CommunicationError(describe(collective_) + " did not finish within " + format_duration(seconds(deadline_ - start_)) +
                             ": some rank did not reach it (parallel.timeout_seconds sets this limit)");
  }
  const auto waited = now - waiting_since_;
  if (waited < kYieldTime)
    sched_yield();
  else
    std::this_thread::sleep_for(waited < kShortSleepTime ? kShortSleep : kLongSleep);
}

}  // namespace phidias::parallel
