// Which collective a rank is in, and how long it may take. One log per process, shared by its communicators; the heartbeat carries the last
// entry to rank 0, so that a stuck job can say where every rank stands.
#pragma once

#include <chrono>
#include <cstdint>
#include <mutex>
#include <string>

namespace phidias::parallel {

struct Collective {
  std::string operation = "none";  // "all_reduce"
  std::string group;               // "world", "world/1": the communicator
  std::uint64_t sequence = 0;      // in its group, from 1
  std::int64_t bytes = 0;
};
std::string describe(const Collective& collective);  // "all_reduce 812 of 1.06 GB in group world"

class CollectiveLog {
 public:
  explicit CollectiveLog(double timeout_seconds) : timeout_seconds_(timeout_seconds) {}
  void set_timeout(double seconds);
  double timeout() const;
  void begin(const Collective& collective);
  void end();
  std::string last() const;  // "all_reduce 812 of 1.06 GB in group world, begun 12 s ago" or "..., finished"

 private:
  mutable std::mutex mutex_;
  double timeout_seconds_;
  Collective last_;
  bool under_way_ = false;
  std::chrono::steady_clock::time_point since_ = std::chrono::steady_clock::now();
};

// One collective from entry to exit; pause() is called between looks at whether it has finished.
class CollectiveScope {
 public:
  CollectiveScope(CollectiveLog& log, Collective collective);
  ~CollectiveScope() { log_.end(); }
  CollectiveScope(const CollectiveScope&) = delete;
  CollectiveScope& operator=(const CollectiveScope&) = delete;
  // Lets time pass: spins, then yields, then sleeps, so that several ranks can share a core. Throws CommunicationError at the deadline.
  void pause();
  // Something arrived: spin again for a moment before yielding.
  void progressed() { rounds_ = 0; }

 private:
  CollectiveLog& log_;
  Collective collective_;
  int rounds_ = 0;
  std::chrono::steady_clock::time_point start_, deadline_, waiting_since_;
};

}  // namespace phidias::parallel
