// Collectives over NCCL: one GPU per rank, buffers in device memory. Part of the CUDA plug-in (kernels/cuda.cmake), made through
// kernels/cuda_backend.h.
//
// Every operation is queued on the communicator's own high-priority stream: that stream first waits for what the caller's current stream
// has queued so far, and the caller's stream then waits for the operation (of the start_ functions: at Work::wait()). The host waits only in
// barrier(). bfloat16 is reduced by NCCL itself, which adds in float32 and rounds at every hop of its ring or tree.
//
// A watchdog thread polls NCCL's asynchronous error and the oldest operation under way. When NCCL reports an error, or an operation has
// not finished `timeout_seconds` after it was queued, the communicator is aborted (which ends NCCL kernels that spin on a dead peer) and
// every later call throws CommunicationError with the number, name and size of the operation that was stuck.
//
// send and receive are rendezvous: two ranks that both send first wait for each other for ever. They may not be used with the own rank.
#pragma once

#include <driver_types.h>

#include <functional>
#include <memory>

#include "parallel/communicator.h"

namespace phidias::parallel {

struct NcclOptions {
  int device = 0;
  double timeout_seconds = 1800.0;
  std::function<cudaStream_t()> current_stream;  // of the calling thread
};

// Collective over `host` (host memory; carries the NCCL id). Throws CommunicationError when the ranks do not meet within the timeout, when two ranks
// share a device, or when the NCCL found at run time is not the one compiled against.
std::unique_ptr<Communicator> make_nccl_communicator(Communicator& host, const NcclOptions& options);

}  // namespace phidias::parallel
