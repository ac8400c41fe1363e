// What MpiCommunicator needs to move GPU buffers over MPI: copies between device memory and pinned host memory.
//
// An interface, because parallel/ links no CUDA: the CUDA plug-in implements it (kernels/cuda_backend.h, CudaBackend::device_memory()).
// Copies are ordered after everything queued on the caller's current stream and finished when the call returns.
#pragma once

#include <cstddef>

namespace phidias::parallel {

class DeviceMemory {
 public:
  virtual ~DeviceMemory() = default;
  virtual void copy_to_host(void* host, const void* device, std::size_t bytes) = 0;
  virtual void copy_to_device(void* device, const void* host, std::size_t bytes) = 0;
  // Pinned host memory; throws OutOfMemory. free_pinned(nullptr) is allowed.
  virtual void* allocate_pinned(std::size_t bytes) = 0;
  virtual void free_pinned(void* memory) = 0;
};

}  // namespace phidias::parallel
