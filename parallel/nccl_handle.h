// One ncclComm_t with its deadline: non-blocking calls are polled until NCCL has taken them, the watchdog ends what hangs. Internal to the NCCL files.
#pragma once

#include <cuda_runtime_api.h>
#include <nccl.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace phidias::parallel {

// Throws CommunicationError with what was attempted.
void check_cuda(cudaError_t error, const std::string& what);

// A CUDA event without timing.
class CudaEvent {
 public:
  CudaEvent();
  ~CudaEvent();
  CudaEvent(const CudaEvent&) = delete;
  CudaEvent& operator=(const CudaEvent&) = delete;
  cudaEvent_t get() const { return event_; }

 private:
  cudaEvent_t event_ = nullptr;
};

class NcclHandle {
 public:
  // Collective over the ranks that share `id`.
  NcclHandle(int size, int rank, const ncclUniqueId& id, int device, double timeout_seconds);
  // The part of `parent` with this colour. Collective over the parent.
  NcclHandle(NcclHandle& parent, int colour, int key);
  ~NcclHandle();
  NcclHandle(const NcclHandle&) = delete;
  NcclHandle& operator=(const NcclHandle&) = delete;

  int rank() const { return rank_; }
  int size() const { return size_; }
  int device() const { return device_; }
  double timeout_seconds() const { return timeout_seconds_; }

  // Queues `operation` (one NCCL call or a group of them) on the own stream after everything queued on `caller`; returns the event of its end, which
  // stays under the watchdog. `what` is its name and size in messages.
  std::shared_ptr<CudaEvent> run(const std::string& what, cudaStream_t caller, const std::function<ncclResult_t(ncclComm_t, cudaStream_t)>& operation);

  // Throws CommunicationError once the communicator has failed.
  void check();

 private:
  struct Pending {
    std::shared_ptr<CudaEvent> end;
    std::string what;
    std::chrono::steady_clock::time_point deadline;
  };

  void start();
  // Waits until NCCL has taken a non-blocking call; throws on an error or after the deadline.
  void settle(ncclResult_t result, const std::string& what);
  void watch();
  void fail(const std::string& message);
  // Runs a non-blocking NCCL call while the watchdog is kept from aborting; throws once the communicator has failed.
  ncclResult_t call(const std::function<ncclResult_t(ncclComm_t)>& function);
  std::chrono::steady_clock::time_point deadline() const;

  ncclComm_t communicator_ = nullptr;
  cudaStream_t stream_ = nullptr;
  int rank_ = 0, size_ = 1, device_ = 0;
  double timeout_seconds_ = 0.0;
  std::int64_t sequence_ = 0;

  std::mutex mutex_;  // pending_, failure_ and the abort
  std::condition_variable wake_;
  std::deque<Pending> pending_;
  std::string failure_;
  bool stopping_ = false, aborted_ = false;
  std::thread watchdog_;
};

}  // namespace phidias::parallel
