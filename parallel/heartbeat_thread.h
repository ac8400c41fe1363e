// What both sides of the heartbeat share: a thread that wakes when a socket has news, when the owner asks, or when the next beat is due.
#pragma once

#include <sys/types.h>

#include <atomic>
#include <chrono>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "parallel/connection.h"
#include "parallel/heartbeat.h"

namespace phidias::parallel {

using Clock = std::chrono::steady_clock;
double seconds_since(Clock::time_point time);

// A process at the other end.
struct Peer {
  Connection connection{Descriptor()};
  int rank = 0;
  std::string process;  // "host node7, process 4211"
  std::string last_collective = "unknown";
  Clock::time_point last_heard = Clock::now();
  bool goodbye = false;
};
std::string lost_message(const Peer& peer, double silent_seconds);  // of a peer whose connection broke, or that is silent

class HeartbeatThread : public Heartbeat {
 public:
  ~HeartbeatThread() override { stop(); }
  void say_goodbye() override;
  [[noreturn]] void end_job(int exit_code, const std::string& message) override;

 protected:
  struct EndRequest {
    int exit_code;
    std::string message;
  };

  HeartbeatThread(int rank, HeartbeatSettings settings, std::shared_ptr<const CollectiveLog> log);
  void start();                            // by the constructor of the final class
  void stop();                             // by its destructor
  virtual std::vector<Peer*> peers() = 0;  // that are watched
  virtual void on_frame(Peer& peer, const Frame& frame) = 0;
  virtual void on_end_request(const EndRequest& request) = 0;
  [[noreturn]] virtual void on_lost(const Peer& peer) = 0;
  virtual void after_turn() {}
  // This process was itself stopped a moment ago, so long that others may have declared it dead: what it has to say about them is no news.
  bool was_stopped() const;
  // Tells the launcher how the job ends; it may itself be stuck waiting for a host that is gone.
  void announce_end(int exit_code) const;
  bool end_announced() const;  // by a rank of this host
  Frame beat() const { return {FrameKind::beat, 0, log_->last()}; }
  bool goodbye_said() const { return goodbye_said_; }
  void set_finished();

  const int rank_;
  const HeartbeatSettings settings_;
  const std::shared_ptr<const CollectiveLog> log_;

 private:
  void run();
  void wait_for_news(Clock::time_point until);
  void turn();
  void wake();

  Descriptor wake_;
  std::optional<Clock::time_point> resumed_at_;
  std::thread thread_;
  std::atomic<bool> stopping_{false}, goodbye_said_{false}, finished_{false};
  std::mutex mutex_;
  std::optional<EndRequest> end_request_;
};

}  // namespace phidias::parallel
