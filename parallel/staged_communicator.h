// Device buffers over a host communicator, through pinned memory: how several ranks share one GPU, where NCCL allows one rank per device only.
//
// Every collective of `Communicator` on device pointers; results are ordered after the caller's current stream (device_memory.h). Buffers travel in
// pieces of at most kStagingBytes, so pinned memory stays bounded. all_to_all_v and all_gather_v stage the whole buffers.
#pragma once

#include <memory>

#include "parallel/communicator.h"
#include "parallel/device_memory.h"

namespace phidias::parallel {

constexpr std::int64_t kStagingBytes = std::int64_t{64} << 20;

// `host` and `device` outlive the result. name() is "staged".
std::unique_ptr<Communicator> make_staged(Communicator& host, DeviceMemory& device);

}  // namespace phidias::parallel
