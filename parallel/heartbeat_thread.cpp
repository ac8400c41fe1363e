#include "parallel/heartbeat_thread.h"

#include <poll.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <utility>

#include "base/atomic_file.h"
#include "base/error.h"
#include "base/log.h"
#include "base/progress.h"

namespace phidias::parallel {
namespace {

constexpr double kEndPatienceSeconds = 5.0;  // for rank 0's answer to a request to end the job

}  // namespace

double seconds_since(Clock::time_point time) { return std::chrono::duration<double>(Clock::now() - time).count(); }

std::string lost_message(const Peer& peer, double silent_seconds) {
  const std::string who = "rank " + std::to_string(peer.rank) + " (" + peer.process + ")";
  const std::string last = "; its last collective: " + peer.last_collective;
  if (!peer.connection.open()) return who + " died: its connection broke. It was killed, ran out of memory or crashed" + last;
  return who + " has been silent for " + format_duration(silent_seconds) + ": its process is stopped, or its host or link is down" + last;
}

bool HeartbeatThread::was_stopped() const { return resumed_at_ && seconds_since(*resumed_at_) < settings_.silent_seconds; }

HeartbeatThread::HeartbeatThread(int rank, HeartbeatSettings settings, std::shared_ptr<const CollectiveLog> log)
    : rank_(rank), settings_(settings), log_(std::move(log)), wake_(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) {}

void HeartbeatThread::start() {
  // Signals are for the threads that know what to do with them.
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  thread_ = std::thread([this] { run(); });
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

void HeartbeatThread::stop() {
  stopping_ = true;
  wake();
  if (thread_.joinable()) thread_.join();
}

void HeartbeatThread::wake() {
  const std::uint64_t one = 1;
  [[maybe_unused]] const ssize_t written = ::write(wake_.get(), &one, sizeof(one));
}

void HeartbeatThread::say_goodbye() {
  goodbye_said_ = true;
  wake();
  finished_.wait(false);
}

void HeartbeatThread::set_finished() {
  finished_ = true;
  finished_.notify_all();
}

void HeartbeatThread::announce_end(int exit_code) const {
  if (settings_.end_file.empty()) return;
  try {
    write_file_atomic(settings_.end_file, std::to_string(exit_code) + "\n");
  } catch (const DataError&) {  // the exit code of the process says the same to a launcher that still listens
  }
}

bool HeartbeatThread::end_announced() const { return !settings_.end_file.empty() && ::access(settings_.end_file.c_str(), F_OK) == 0; }

void HeartbeatThread::end_job(int exit_code, const std::string& message) {
  std::fflush(nullptr);
  {
    const std::lock_guard lock(mutex_);
    if (!end_request_) end_request_ = EndRequest{exit_code, message};
  }
  wake();
  const Clock::time_point asked = Clock::now();
  while (seconds_since(asked) < kEndPatienceSeconds) std::this_thread::sleep_for(std::chrono::milliseconds(10));
  log_error("rank " + std::to_string(rank_) + ": " + message);  // nobody answered
  ::_exit(exit_code);
}

void HeartbeatThread::wait_for_news(Clock::time_point until) {
  std::vector<pollfd> sockets = {{wake_.get(), POLLIN, 0}};
  for (const Peer* peer : peers()) {
    if (!peer->connection.open()) continue;
    sockets.push_back({peer->connection.descriptor(), static_cast<short>(POLLIN | (peer->connection.has_unsent() ? POLLOUT : 0)), 0});
  }
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(until - Clock::now()).count();
  ::poll(sockets.data(), sockets.size(), static_cast<int>(std::max<std::int64_t>(0, left)));
  std::uint64_t count;
  [[maybe_unused]] const ssize_t read = ::read(wake_.get(), &count, sizeof(count));
}

void HeartbeatThread::run() {
  const auto interval = std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(settings_.interval_seconds));
  Clock::time_point next_beat = Clock::now(), last_turn = next_beat;
  for (Peer* peer : peers()) peer->last_heard = next_beat;
  while (!stopping_ && !finished_) {
    // A process that was itself stopped for a while has missed beats without anybody being dead.
    if (seconds_since(last_turn) > settings_.silent_seconds / 2) {
      resumed_at_ = Clock::now();
      for (Peer* peer : peers()) peer->last_heard = Clock::now();
    }
    last_turn = Clock::now();
    turn();
    if (Clock::now() >= next_beat) {
      for (Peer* peer : peers()) peer->connection.send(beat());
      next_beat = Clock::now() + interval;
    }
    if (!finished_) wait_for_news(next_beat);
  }
}

// What ranks report comes before what can be concluded from their absence: the report is the cause.
void HeartbeatThread::turn() {
  for (Peer* peer : peers()) {
    for (const Frame& frame : peer->connection.receive()) {
      peer->last_heard = Clock::now();
      on_frame(*peer, frame);
    }
  }
  std::optional<EndRequest> request;
  {
    const std::lock_guard lock(mutex_);
    request = std::exchange(end_request_, std::nullopt);
  }
  if (request) on_end_request(*request);
  after_turn();
  for (const Peer* peer : peers()) {
    const bool silent = seconds_since(peer->last_heard) > settings_.silent_seconds;
    if (!finished_ && (peer->goodbye ? false : !peer->connection.open() || silent)) on_lost(*peer);
  }
}

}  // namespace phidias::parallel
