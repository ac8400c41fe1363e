// All ranks of the job: start-up, the control communicator on host memory, the process mesh and the heartbeat.
//
//   parallel::World world = parallel::World::start();                 // MPI only when mpirun (or srun) started this process
//   world.arrange({.data = 0, .expert = 1, .context = 1});            // 0: the rest
//
// world = data x expert x context, context innermost. MPI is initialised only when OMPI_COMM_WORLD_SIZE, PMIX_RANK or PMI_RANK is set
// (0.3 s saved otherwise). Destroying the last World finalises MPI. There is one World in a process; it is passed, never global.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "parallel/communicator.h"

namespace phidias::parallel {

struct MeshShape {
  int data = 0;  // 0: world / (expert * context)
  int expert = 1;
  int context = 1;
};

// The mesh of `ranks` ranks with data: 0 filled in. Throws ConfigError when the axes do not multiply to `ranks`.
MeshShape fitted(const MeshShape& shape, int ranks);

struct WorldOptions {
  double heartbeat_seconds = 1.0;   // interval of the heartbeat between ranks
  double silent_seconds = 10.0;     // a peer silent for so long is dead: one message, exit 4
  double timeout_seconds = 1800.0;  // deadline of a collective of live ranks
};

// What the MPI library calls itself: "Open MPI v4.1.4, package: ...". Needs no started MPI.
std::string mpi_library_version();

class World {
 public:
  static World start(const WorldOptions& options = {});
  ~World();
  World(World&&) noexcept;
  World& operator=(World&&) noexcept;

  int rank() const;
  int size() const;
  int local_rank() const;  // among the ranks of this host
  int local_size() const;
  // Host memory, all ranks: control messages, and gradients on the CPU.
  Communicator& host() const;
  // Throws ConfigError when the axes do not multiply to size().
  void arrange(const MeshShape& shape);
  const MeshShape& mesh() const;
  // Ranks that see different records: data x expert. Index of this rank among them, and their number.
  int data_rank() const;
  int data_size() const;
  // Index of this rank on the expert axis.
  int expert_rank() const;
  // Groups of a communicator of all ranks; collective over all of them.
  std::unique_ptr<Communicator> expert_group(Communicator& all) const;     // ranks that share one set of experts: equal data and context index
  std::unique_ptr<Communicator> expert_replicas(Communicator& all) const;  // ranks that hold the same experts: equal expert index
  // Sets the deadline of later collectives (parallel.timeout_seconds).
  void set_timeout(double seconds);
  // Ends every rank of the job with this exit code after one message (rank and text). Does not return.
  [[noreturn]] void abort(int exit_code, const std::string& message) const;

 private:
  struct Impl;
  explicit World(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace phidias::parallel
