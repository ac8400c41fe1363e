// Ranks that watch each other, so that a dead or stopped rank ends the job with one message instead of a hang.
//
// Every rank keeps a TCP connection to rank 0 (a star; MPI is not used: it may itself be what hangs, and a killed process closes its sockets at once).
// A thread per rank sends a beat at every interval, with the rank's last collective in it. A connection that breaks without a goodbye means a dead
// rank; one that is silent for `silent_seconds` a stopped host, process or link. Rank 0 then writes the message, tells all others, and every process
// ends with exit code 4. When rank 0 itself is lost, rank 1 writes the message, or another when rank 1 is lost too. An error that a rank reports goes the same
// way with its own exit code: the first report is the one that is printed.
#pragma once

#include <memory>
#include <string>

#include "parallel/collective_log.h"
#include "parallel/communicator.h"

namespace phidias::parallel {

struct HeartbeatSettings {
  double interval_seconds = 1.0;
  double silent_seconds = 10.0;
  bool beside_rank_0 = true;  // this process runs on rank 0's host
  std::string end_file;       // the rank that ends the job writes the exit code into it (launch/mpirun.sh waits for it); empty: none
};

class Heartbeat {
 public:
  virtual ~Heartbeat() = default;  // stops the thread; call say_goodbye before
  // Collective in effect: returns when every rank has said goodbye, that is, when nobody needs this one any more.
  virtual void say_goodbye() = 0;
  // Ends every rank with this exit code after one message.
  [[noreturn]] virtual void end_job(int exit_code, const std::string& message) = 0;
};

// Collective over `host`, which holds all ranks of the job. A rank that cannot reach rank 0 by TCP is named in a warning and goes unwatched.
std::unique_ptr<Heartbeat> start_heartbeat(Communicator& host, const HeartbeatSettings& settings, std::shared_ptr<const CollectiveLog> log);

}  // namespace phidias::parallel
