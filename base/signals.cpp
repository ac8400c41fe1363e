#include "base/signals.h"

#include <signal.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <stdexcept>

namespace phidias {
namespace {

constexpr std::array<int, 3> kSignals = {SIGINT, SIGTERM, SIGUSR1};

// What a signal handler may touch: one lock-free flag, and what was installed before.
std::atomic<int> first_signal{0};
static_assert(std::atomic<int>::is_always_lock_free);
std::atomic<bool> installed{false};
std::array<struct sigaction, kSignals.size()> previous;

void on_signal(int number) {
  int expected = 0;
  if (first_signal.compare_exchange_strong(expected, number)) return;
  if (number == SIGINT) ::_exit(128 + SIGINT);  // asked twice: leave without saving
}

}  // namespace

SignalWatch::SignalWatch() {
  if (installed.exchange(true)) throw std::logic_error("a SignalWatch exists already");
  first_signal = 0;
  struct sigaction action{};
  action.sa_handler = on_signal;
  action.sa_flags = SA_RESTART;  // reads and writes under way go on
  sigemptyset(&action.sa_mask);
  for (std::size_t i = 0; i < kSignals.size(); ++i) sigaction(kSignals[i], &action, &previous[i]);
}

SignalWatch::~SignalWatch() {
  for (std::size_t i = 0; i < kSignals.size(); ++i) sigaction(kSignals[i], &previous[i], nullptr);
  installed = false;
}

int SignalWatch::received() const { return first_signal.load(std::memory_order_relaxed); }

}  // namespace phidias
