// Which ranks share this rank's host. Found by comparing what the kernel says, not by MPI_Comm_split_type: that crashed in OpenMPI 4.1.4 between two
// hosts over TCP.
#pragma once

#include <string>

#include "base/hash.h"
#include "parallel/communicator.h"

namespace phidias::parallel {

// The same for two processes that share kernel and network: containers with networks of their own are hosts of their own.
Hash128 host_identity();

struct LocalRanks {
  int rank = 0, size = 1;     // of this process among those of its host
  bool beside_rank_0 = true;  // rank 0 is one of them
};

// Collective.
LocalRanks find_local_ranks(Communicator& ranks);

}  // namespace phidias::parallel
