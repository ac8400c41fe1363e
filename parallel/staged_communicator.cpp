#include "parallel/staged_communicator.h"

#include <algorithm>
#include <numeric>
#include <utility>

#include "parallel/collective_queue.h"

namespace phidias::parallel {
namespace {

const std::byte* at(const void* base, std::int64_t offset) { return static_cast<const std::byte*>(base) + offset; }
std::byte* at(void* base, std::int64_t offset) { return static_cast<std::byte*>(base) + offset; }

// Pinned memory that grows to the largest request.
class PinnedBuffer {
 public:
  explicit PinnedBuffer(DeviceMemory& device) : device_(device) {}
  ~PinnedBuffer() { device_.free_pinned(memory_); }
  PinnedBuffer(const PinnedBuffer&) = delete;
  PinnedBuffer& operator=(const PinnedBuffer&) = delete;
  std::byte* get(std::int64_t bytes) {
    if (bytes > bytes_) {
      device_.free_pinned(std::exchange(memory_, nullptr));
      bytes_ = 0;
      memory_ = device_.allocate_pinned(static_cast<std::size_t>(bytes));
      bytes_ = bytes;
    }
    return static_cast<std::byte*>(memory_);
  }

 private:
  DeviceMemory& device_;
  void* memory_ = nullptr;
  std::int64_t bytes_ = 0;
};

class StagedCommunicator : public Communicator {
 public:
  StagedCommunicator(Communicator& host, std::unique_ptr<Communicator> owned, DeviceMemory& device)
      : owned_(std::move(owned)), host_(host), device_(device), in_(device), out_(device) {}

  int rank() const override { return host_.rank(); }
  int size() const override { return host_.size(); }
  std::string name() const override { return "staged"; }

  void barrier() override {
    const auto turn = queue_.enter();
    host_.barrier();
  }

  void broadcast(void* buffer, std::int64_t count, DataType type, int root) override {
    const auto turn = queue_.enter();
    in_pieces(count, type, [&](std::int64_t offset, std::int64_t length, std::int64_t bytes) {
      std::byte* staged = in_.get(bytes);
      if (rank() == root) to_host(staged, at(buffer, offset), bytes);
      host_.broadcast(staged, length, type, root);
      if (rank() != root) to_device(at(buffer, offset), staged, bytes);
    });
  }

  void all_reduce(void* buffer, std::int64_t count, DataType type, ReduceOp op) override {
    const auto turn = queue_.enter();
    all_reduce_now(buffer, count, type, op);
  }

  void reduce_scatter(const void* in, void* out, std::int64_t count, DataType type, ReduceOp op) override {
    const auto turn = queue_.enter();
    const std::int64_t part = count * element_size(type);
    in_pieces(count, type, [&](std::int64_t offset, std::int64_t length, std::int64_t bytes) {
      std::byte* staged = in_.get(bytes * size());
      for (int r = 0; r < size(); ++r) to_host(staged + r * bytes, at(in, r * part + offset), bytes);
      std::byte* result = out_.get(bytes);
      host_.reduce_scatter(staged, result, length, type, op);
      to_device(at(out, offset), result, bytes);
    });
  }

  void all_gather(const void* in, void* out, std::int64_t count, DataType type) override {
    const auto turn = queue_.enter();
    const std::int64_t part = count * element_size(type);
    in_pieces(count, type, [&](std::int64_t offset, std::int64_t length, std::int64_t bytes) {
      std::byte* staged = in_.get(bytes);
      std::byte* result = out_.get(bytes * size());
      to_host(staged, at(in, offset), bytes);
      host_.all_gather(staged, result, length, type);
      for (int r = 0; r < size(); ++r) to_device(at(out, r * part + offset), result + r * bytes, bytes);
    });
  }

  void all_gather_v(const void* in, std::int64_t count, void* out, std::span<const std::int64_t> counts, DataType type) override {
    const auto turn = queue_.enter();
    const std::int64_t element = element_size(type), bytes = count * element, all = element * std::accumulate(counts.begin(), counts.end(), std::int64_t{0});
    std::byte* staged = in_.get(bytes);
    std::byte* result = out_.get(all);
    to_host(staged, in, bytes);
    host_.all_gather_v(staged, count, result, counts, type);
    to_device(out, result, all);
  }

  void all_to_all_v(const void* in, std::span<const std::int64_t> send_counts, void* out, std::span<const std::int64_t> receive_counts,
                    DataType type) override {
    const auto turn = queue_.enter();
    const std::int64_t sent = element_size(type) * std::accumulate(send_counts.begin(), send_counts.end(), std::int64_t{0});
    const std::int64_t taken = element_size(type) * std::accumulate(receive_counts.begin(), receive_counts.end(), std::int64_t{0});
    std::byte* staged = in_.get(sent);
    std::byte* result = out_.get(taken);
    to_host(staged, in, sent);
    host_.all_to_all_v(staged, send_counts, result, receive_counts, type);
    to_device(out, result, taken);
  }

  void send(const void* buffer, std::int64_t count, DataType type, int peer) override {
    in_pieces(count, type, [&](std::int64_t offset, std::int64_t length, std::int64_t bytes) {
      std::byte* staged = in_.get(bytes);
      to_host(staged, at(buffer, offset), bytes);
      host_.send(staged, length, type, peer);
    });
  }

  void receive(void* buffer, std::int64_t count, DataType type, int peer) override {
    in_pieces(count, type, [&](std::int64_t offset, std::int64_t length, std::int64_t bytes) {
      std::byte* staged = in_.get(bytes);
      host_.receive(staged, length, type, peer);
      to_device(at(buffer, offset), staged, bytes);
    });
  }

  // The copy to the host waits for the caller's stream, so it is left to wait(): the caller's kernels keep running until then.
  std::unique_ptr<Work> start_all_reduce(void* buffer, std::int64_t count, DataType type, ReduceOp op) override {
    return queue_.defer([=, this] { all_reduce_now(buffer, count, type, op); });
  }

  std::unique_ptr<Communicator> split(int color, int key) override {
    const auto turn = queue_.enter();
    std::unique_ptr<Communicator> part = host_.split(color, key);
    Communicator& reference = *part;
    return std::make_unique<StagedCommunicator>(reference, std::move(part), device_);
  }

 private:
  void all_reduce_now(void* buffer, std::int64_t count, DataType type, ReduceOp op) {
    in_pieces(count, type, [&](std::int64_t offset, std::int64_t length, std::int64_t bytes) {
      std::byte* staged = in_.get(bytes);
      to_host(staged, at(buffer, offset), bytes);
      host_.all_reduce(staged, length, type, op);
      to_device(at(buffer, offset), staged, bytes);
    });
  }

  // body(byte offset, elements, bytes) for consecutive pieces.
  template <class Body>
  static void in_pieces(std::int64_t count, DataType type, Body&& body) {
    const std::int64_t element = element_size(type), per_piece = kStagingBytes / element;
    for (std::int64_t begin = 0; begin < count; begin += per_piece) {
      const std::int64_t length = std::min(per_piece, count - begin);
      body(begin * element, length, length * element);
    }
  }

  void to_host(void* host, const void* device, std::int64_t bytes) {
    if (bytes > 0) device_.copy_to_host(host, device, static_cast<std::size_t>(bytes));
  }
  void to_device(void* device, const void* host, std::int64_t bytes) {
    if (bytes > 0) device_.copy_to_device(device, host, static_cast<std::size_t>(bytes));
  }

  std::unique_ptr<Communicator> owned_;  // of a split; empty when the caller owns the host communicator
  Communicator& host_;
  DeviceMemory& device_;
  PinnedBuffer in_, out_;
  CollectiveQueue queue_;
};

}  // namespace

std::unique_ptr<Communicator> make_staged(Communicator& host, DeviceMemory& device) { return std::make_unique<StagedCommunicator>(host, nullptr, device); }

}  // namespace phidias::parallel
