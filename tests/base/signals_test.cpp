#include "base/signals.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <stdexcept>

namespace phidias {
namespace {

TEST(Signals, TheFirstOneIsRemembered) {
  for (const int signal : {SIGINT, SIGTERM, SIGUSR1}) {
    const SignalWatch watch;
    EXPECT_EQ(watch.received(), 0);
    ::raise(signal);
    ::raise(SIGTERM);
    EXPECT_EQ(watch.received(), signal);
  }
}

TEST(Signals, PreviousHandlersComeBack) {
  struct sigaction before{}, after{};
  ::sigaction(SIGTERM, nullptr, &before);
  {
    const SignalWatch watch;
    ::sigaction(SIGTERM, nullptr, &after);
    EXPECT_NE(after.sa_handler, before.sa_handler);
    EXPECT_THROW(SignalWatch(), std::logic_error);
  }
  ::sigaction(SIGTERM, nullptr, &after);
  EXPECT_EQ(after.sa_handler, before.sa_handler);
}

TEST(Signals, ASecondInterruptEndsTheProcessAtOnce) {
  const pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    const SignalWatch watch;
    ::raise(SIGINT);
    ::raise(SIGINT);
    ::_exit(0);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  ASSERT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), 130);
}

}  // namespace
}  // namespace phidias
