// Stop requests from the operating system: INT, TERM and USR1 set a flag that the loop reads between steps.
//
// mpirun forwards USR1 and lets a process live; after INT or TERM it kills within a second, so launch/mpirun.sh turns both into USR1.
// The original signal is kept: the exit code is 130 (INT), 143 (TERM) or 138 (USR1). A second INT ends the process at once.
#pragma once

namespace phidias {

// Installs the handlers for its lifetime and restores the previous ones.
class SignalWatch {
 public:
  SignalWatch();
  ~SignalWatch();
  SignalWatch(const SignalWatch&) = delete;
  SignalWatch& operator=(const SignalWatch&) = delete;
  // 0, or the first signal number received. Async-signal-safe flag; cheap to call every step.
  int received() const;
};

}  // namespace phidias
