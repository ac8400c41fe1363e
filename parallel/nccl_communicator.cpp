#include "parallel/nccl_communicator.h"

#include <nccl.h>

#include <numeric>

#include "base/error.h"
#include "parallel/nccl_handle.h"

namespace phidias::parallel {
namespace {

ncclDataType_t nccl_type(DataType type) {
  switch (type) {
    case DataType::float32:
      return ncclFloat32;
    case DataType::float64:
      return ncclFloat64;
    case DataType::bfloat16:
      return ncclBfloat16;
    case DataType::int32:
      return ncclInt32;
    case DataType::int64:
      return ncclInt64;
    case DataType::uint8:
      return ncclUint8;
  }
  throw CommunicationError("unknown element type");
}

// Own copy: the plug-in links none of the program's libraries.
std::int64_t bytes_of(DataType type) {
  switch (type) {
    case DataType::float64:
    case DataType::int64:
      return 8;
    case DataType::float32:
    case DataType::int32:
      return 4;
    case DataType::bfloat16:
      return 2;
    case DataType::uint8:
      return 1;
  }
  throw CommunicationError("unknown element type");
}

ncclRedOp_t nccl_op(ReduceOp op) { return op == ReduceOp::sum ? ncclSum : op == ReduceOp::max ? ncclMax : ncclMin; }

std::string described(const char* operation, std::int64_t count, DataType type) {
  return std::string(operation) + " of " + std::to_string(count * bytes_of(type)) + " bytes";
}

// Calls made inside are one NCCL operation.
template <typename Calls>
ncclResult_t grouped(Calls calls) {
  ncclResult_t result = ncclGroupStart();
  if (result != ncclSuccess) return result;
  result = calls();
  const ncclResult_t ended = ncclGroupEnd();
  return result == ncclSuccess || result == ncclInProgress ? ended : result;
}

class NcclWork : public Work {
 public:
  NcclWork(std::shared_ptr<CudaEvent> end, const std::function<cudaStream_t()>& current_stream) : end_(std::move(end)), current_stream_(current_stream) {}
  void wait() override {
    if (end_ != nullptr) check_cuda(cudaStreamWaitEvent(current_stream_(), end_->get(), 0), "waiting for a collective");
  }

 private:
  std::shared_ptr<CudaEvent> end_;
  std::function<cudaStream_t()> current_stream_;
};

class NcclCommunicator : public Communicator {
 public:
  NcclCommunicator(std::unique_ptr<NcclHandle> handle, std::function<cudaStream_t()> current_stream)
      : handle_(std::move(handle)), current_stream_(std::move(current_stream)) {
    check_cuda(cudaMalloc(&barrier_word_, sizeof(std::int32_t)), "allocating the barrier's word");
    check_cuda(cudaMemset(barrier_word_, 0, sizeof(std::int32_t)), "clearing the barrier's word");
  }
  ~NcclCommunicator() override {
    handle_.reset();
    cudaFree(barrier_word_);
  }

  int rank() const override { return handle_->rank(); }
  int size() const override { return handle_->size(); }
  std::string name() const override { return "nccl"; }

  void barrier() override {
    all_reduce(barrier_word_, 1, DataType::int32, ReduceOp::max);
    // The watchdog aborts a stuck reduction, which lets the stream go on.
    check_cuda(cudaStreamSynchronize(current_stream_()), "barrier");
    handle_->check();
  }

  void broadcast(void* buffer, std::int64_t count, DataType type, int root) override {
    if (count == 0) return;
    run(described("broadcast", count, type), [=](ncclComm_t comm, cudaStream_t stream) {
      return ncclBroadcast(buffer, buffer, static_cast<std::size_t>(count), nccl_type(type), root, comm, stream);
    });
  }

  void all_reduce(void* buffer, std::int64_t count, DataType type, ReduceOp op) override { start_all_reduce(buffer, count, type, op)->wait(); }

  std::unique_ptr<Work> start_all_reduce(void* buffer, std::int64_t count, DataType type, ReduceOp op) override {
    auto end = handle_->run(described("all-reduce", count, type), current_stream_(), [=](ncclComm_t comm, cudaStream_t stream) {
      return count == 0 ? ncclSuccess : ncclAllReduce(buffer, buffer, static_cast<std::size_t>(count), nccl_type(type), nccl_op(op), comm, stream);
    });
    return std::make_unique<NcclWork>(std::move(end), current_stream_);
  }

  void reduce_scatter(const void* in, void* out, std::int64_t count, DataType type, ReduceOp op) override {
    start_reduce_scatter(in, out, count, type, op)->wait();
  }

  std::unique_ptr<Work> start_reduce_scatter(const void* in, void* out, std::int64_t count, DataType type, ReduceOp op) override {
    auto end = handle_->run(described("reduce-scatter", count, type), current_stream_(), [=](ncclComm_t comm, cudaStream_t stream) {
      return count == 0 ? ncclSuccess : ncclReduceScatter(in, out, static_cast<std::size_t>(count), nccl_type(type), nccl_op(op), comm, stream);
    });
    return std::make_unique<NcclWork>(std::move(end), current_stream_);
  }

  void all_gather(const void* in, void* out, std::int64_t count, DataType type) override { start_all_gather(in, out, count, type)->wait(); }

  std::unique_ptr<Work> start_all_gather(const void* in, void* out, std::int64_t count, DataType type) override {
    auto end = handle_->run(described("all-gather", count, type), current_stream_(), [=](ncclComm_t comm, cudaStream_t stream) {
      return count == 0 ? ncclSuccess : ncclAllGather(in, out, static_cast<std::size_t>(count), nccl_type(type), comm, stream);
    });
    return std::make_unique<NcclWork>(std::move(end), current_stream_);
  }

  void all_gather_v(const void* in, std::int64_t count, void* out, std::span<const std::int64_t> counts, DataType type) override {
    check_counts(counts, "all-gather");
    if (counts[rank()] != count) {
      throw CommunicationError("all-gather: this rank gives " + std::to_string(count) + " elements, counts say " + std::to_string(counts[rank()]));
    }
    run(described("all-gather", std::accumulate(counts.begin(), counts.end(), std::int64_t{0}), type), [&](ncclComm_t comm, cudaStream_t stream) {
      return grouped([&] {
        std::int64_t begin = 0;
        for (int r = 0; r < size(); ++r) {
          char* part = static_cast<char*>(out) + begin * bytes_of(type);
          begin += counts[r];
          if (counts[r] == 0) continue;
          const void* from = r == rank() ? in : part;
          const ncclResult_t result = ncclBroadcast(from, part, static_cast<std::size_t>(counts[r]), nccl_type(type), r, comm, stream);
          if (result != ncclSuccess && result != ncclInProgress) return result;
        }
        return ncclSuccess;
      });
    });
  }

  void all_to_all_v(const void* in, std::span<const std::int64_t> send_counts, void* out, std::span<const std::int64_t> receive_counts,
                    DataType type) override {
    check_counts(send_counts, "all-to-all");
    check_counts(receive_counts, "all-to-all");
    run(described("all-to-all", std::accumulate(send_counts.begin(), send_counts.end(), std::int64_t{0}), type), [&](ncclComm_t comm, cudaStream_t stream) {
      return grouped([&] {
        const char* from = static_cast<const char*>(in);
        char* to = static_cast<char*>(out);
        for (int r = 0; r < size(); ++r) {
          ncclResult_t result = ncclSuccess;
          if (send_counts[r] > 0) result = ncclSend(from, static_cast<std::size_t>(send_counts[r]), nccl_type(type), r, comm, stream);
          if (receive_counts[r] > 0 && (result == ncclSuccess || result == ncclInProgress)) {
            result = ncclRecv(to, static_cast<std::size_t>(receive_counts[r]), nccl_type(type), r, comm, stream);
          }
          if (result != ncclSuccess && result != ncclInProgress) return result;
          from += send_counts[r] * bytes_of(type);
          to += receive_counts[r] * bytes_of(type);
        }
        return ncclSuccess;
      });
    });
  }

  void send(const void* buffer, std::int64_t count, DataType type, int peer) override {
    check_peer(peer, "send");
    if (count == 0) return;
    run(described("send", count, type) + " to rank " + std::to_string(peer),
        [=](ncclComm_t comm, cudaStream_t stream) { return ncclSend(buffer, static_cast<std::size_t>(count), nccl_type(type), peer, comm, stream); });
  }

  void receive(void* buffer, std::int64_t count, DataType type, int peer) override {
    check_peer(peer, "receive");
    if (count == 0) return;
    run(described("receive", count, type) + " from rank " + std::to_string(peer),
        [=](ncclComm_t comm, cudaStream_t stream) { return ncclRecv(buffer, static_cast<std::size_t>(count), nccl_type(type), peer, comm, stream); });
  }

  std::unique_ptr<Communicator> split(int color, int key) override {
    return std::make_unique<NcclCommunicator>(std::make_unique<NcclHandle>(*handle_, color, key), current_stream_);
  }

 private:
  void run(const std::string& what, const std::function<ncclResult_t(ncclComm_t, cudaStream_t)>& operation) {
    const auto end = handle_->run(what, current_stream_(), operation);
    check_cuda(cudaStreamWaitEvent(current_stream_(), end->get(), 0), what);
  }
  void check_counts(std::span<const std::int64_t> counts, const char* operation) const {
    if (static_cast<int>(counts.size()) == size()) return;
    throw CommunicationError(std::string(operation) + ": " + std::to_string(counts.size()) + " counts for " + std::to_string(size()) + " ranks");
  }
  void check_peer(int peer, const char* operation) const {
    if (peer >= 0 && peer < size() && peer != rank()) return;
    throw CommunicationError(std::string(operation) + ": rank " + std::to_string(peer) + " is not another rank of " + std::to_string(size()));
  }

  std::unique_ptr<NcclHandle> handle_;
  std::function<cudaStream_t()> current_stream_;
  void* barrier_word_ = nullptr;
};

}  // namespace

std::unique_ptr<Communicator> make_nccl_communicator(Communicator& host, const NcclOptions& options) {
  int version = 0;
  ncclGetVersion(&version);
  if (version != NCCL_VERSION_CODE) {
    throw CommunicationError("libnccl.so.2 is version " + std::to_string(version) + ", the program was built for " + std::to_string(NCCL_VERSION_CODE) +
                             ": another NCCL comes first on the library path");
  }
  ncclUniqueId id{};
  if (host.rank() == 0) {
    if (const ncclResult_t result = ncclGetUniqueId(&id); result != ncclSuccess) {
      throw CommunicationError(std::string("NCCL gives no id: ") + ncclGetErrorString(result) + " (is there a network interface?)");
    }
  }
  host.broadcast(&id, sizeof id, DataType::uint8, 0);
  auto handle = std::make_unique<NcclHandle>(host.size(), host.rank(), id, options.device, options.timeout_seconds);
  return std::make_unique<NcclCommunicator>(std::move(handle), options.current_stream);
}

}  // namespace phidias::parallel
