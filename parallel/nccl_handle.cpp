#include "parallel/nccl_handle.h"

#include "base/error.h"

namespace phidias::parallel {
namespace {

using Clock = std::chrono::steady_clock;

constexpr auto kWatchInterval = std::chrono::milliseconds(100);

ncclConfig_t configuration() {
  ncclConfig_t config = NCCL_CONFIG_INITIALIZER;
  config.blocking = 0;
  return config;
}

}  // namespace

void check_cuda(cudaError_t error, const std::string& what) {
  if (error != cudaSuccess) throw CommunicationError(what + ": " + cudaGetErrorString(error));
}

CudaEvent::CudaEvent() { check_cuda(cudaEventCreateWithFlags(&event_, cudaEventDisableTiming), "creating a CUDA event"); }
CudaEvent::~CudaEvent() { cudaEventDestroy(event_); }

NcclHandle::NcclHandle(int size, int rank, const ncclUniqueId& id, int device, double timeout_seconds)
    : rank_(rank), size_(size), device_(device), timeout_seconds_(timeout_seconds) {
  check_cuda(cudaSetDevice(device), "selecting GPU " + std::to_string(device));
  ncclConfig_t config = configuration();
  settle(ncclCommInitRankConfig(&communicator_, size, id, rank, &config), "joining " + std::to_string(size) + " ranks");
  start();
}

NcclHandle::NcclHandle(NcclHandle& parent, int colour, int key) : device_(parent.device_), timeout_seconds_(parent.timeout_seconds_) {
  check_cuda(cudaSetDevice(device_), "selecting GPU " + std::to_string(device_));
  ncclConfig_t config = configuration();
  const std::string what = "splitting " + std::to_string(parent.size_) + " ranks";
  parent.settle(parent.call([&](ncclComm_t comm) { return ncclCommSplit(comm, colour, key, &communicator_, &config); }), what);
  settle(ncclSuccess, what);
  ncclCommUserRank(communicator_, &rank_);
  ncclCommCount(communicator_, &size_);
  start();
}

NcclHandle::~NcclHandle() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  if (watchdog_.joinable()) watchdog_.join();
  if (communicator_ != nullptr && !aborted_) {
    // Orderly end: what was queued finishes first; finalize itself is non-blocking and polled within a few seconds.
    ncclResult_t state = ncclCommFinalize(communicator_);
    const auto limit = Clock::now() + std::chrono::seconds(10);
    while ((state == ncclSuccess || state == ncclInProgress) && Clock::now() < limit) {
      if (ncclCommGetAsyncError(communicator_, &state) != ncclSuccess || state != ncclInProgress) break;
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    if (state == ncclSuccess)
      ncclCommDestroy(communicator_);
    else
      ncclCommAbort(communicator_);
  }
  if (stream_ != nullptr) cudaStreamDestroy(stream_);
}

void NcclHandle::start() {
  int least = 0, greatest = 0;
  check_cuda(cudaDeviceGetStreamPriorityRange(&least, &greatest), "asking for stream priorities");
  check_cuda(cudaStreamCreateWithPriority(&stream_, cudaStreamNonBlocking, greatest), "creating the communication stream");
  watchdog_ = std::thread([this] { watch(); });
}

Clock::time_point NcclHandle::deadline() const {
  return Clock::now() + std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(timeout_seconds_));
}

void NcclHandle::settle(ncclResult_t result, const std::string& what) {
  const auto limit = deadline();
  int polls = 0;
  while (result == ncclSuccess || result == ncclInProgress) {
    {
      const std::lock_guard lock(mutex_);  // the watchdog may abort, which frees the communicator
      if (!failure_.empty()) throw CommunicationError(failure_);
      const ncclResult_t asked = ncclCommGetAsyncError(communicator_, &result);
      if (asked != ncclSuccess) result = asked;
    }
    if (result != ncclInProgress) break;
    if (Clock::now() > limit) {
      fail("NCCL: " + what + " did not finish within " + std::to_string(static_cast<int>(timeout_seconds_)) + " s; a peer may be dead or stuck");
      check();
    }
    // Launches are taken within microseconds; connections take milliseconds.
    if (++polls > 1000)
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    else
      std::this_thread::yield();
  }
  if (result == ncclSuccess) return;
  const char* detail = ncclGetLastError(nullptr);  // of this thread
  fail("NCCL: " + what + " failed: " + ncclGetErrorString(result) + (detail != nullptr && *detail != '\0' ? std::string(" (") + detail + ")" : ""));
  check();
}

std::shared_ptr<CudaEvent> NcclHandle::run(const std::string& what, cudaStream_t caller,
                                           const std::function<ncclResult_t(ncclComm_t, cudaStream_t)>& operation) {
  check();
  // Autograd's threads come here with any device selected.
  int selected = 0;
  check_cuda(cudaGetDevice(&selected), what);
  if (selected != device_) check_cuda(cudaSetDevice(device_), what);
  const std::string name =
      "operation " + std::to_string(++sequence_) + ", " + what + " over " + std::to_string(size_) + " ranks, rank " + std::to_string(rank_);
  const CudaEvent begin;
  check_cuda(cudaEventRecord(begin.get(), caller), name);
  check_cuda(cudaStreamWaitEvent(stream_, begin.get(), 0), name);
  settle(call([&](ncclComm_t comm) { return operation(comm, stream_); }), name);
  auto end = std::make_shared<CudaEvent>();
  check_cuda(cudaEventRecord(end->get(), stream_), name);
  {
    const std::lock_guard lock(mutex_);
    pending_.push_back({end, name, deadline()});
  }
  if (selected != device_) check_cuda(cudaSetDevice(selected), what);
  return end;
}

ncclResult_t NcclHandle::call(const std::function<ncclResult_t(ncclComm_t)>& function) {
  const std::lock_guard lock(mutex_);
  if (!failure_.empty()) throw CommunicationError(failure_);
  return function(communicator_);
}

void NcclHandle::watch() {
  cudaSetDevice(device_);
  std::unique_lock lock(mutex_);
  while (!wake_.wait_for(lock, kWatchInterval, [this] { return stopping_; })) {
    if (aborted_) continue;
    while (!pending_.empty() && cudaEventQuery(pending_.front().end->get()) == cudaSuccess) pending_.pop_front();
    ncclResult_t state = ncclSuccess;
    ncclCommGetAsyncError(communicator_, &state);
    const bool broken = state != ncclSuccess && state != ncclInProgress;
    const bool late = !pending_.empty() && Clock::now() > pending_.front().deadline;
    if (!broken && !late) continue;
    std::string message = "NCCL: " + (pending_.empty() ? std::string("no operation under way") : pending_.front().what);
    message += broken ? std::string(" failed: ") + ncclGetErrorString(state)
                      : " did not finish within " + std::to_string(static_cast<int>(timeout_seconds_)) + " s; a peer may be dead or stuck";
    lock.unlock();
    fail(message);
    lock.lock();
  }
}

void NcclHandle::fail(const std::string& message) {
  const std::lock_guard lock(mutex_);
  if (failure_.empty()) failure_ = message;
  if (aborted_ || communicator_ == nullptr) return;
  aborted_ = true;
  pending_.clear();
  ncclCommAbort(communicator_);
}

void NcclHandle::check() {
  const std::lock_guard lock(mutex_);
  if (!failure_.empty()) throw CommunicationError(failure_);
}

}  // namespace phidias::parallel
