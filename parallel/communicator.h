// Ranks that exchange raw buffers. World size 1 is an implementation (SingleProcess), not a branch in the callers.
//
// Buffers are host memory for SingleProcess and MpiCommunicator, and device memory for NcclCommunicator; MpiCommunicator also takes
// device pointers when `buffers_on_device` was asked for at construction (staged through pinned memory: several ranks on one GPU).
// Every call is collective over the group unless it says otherwise. Counts are elements and may be 0. A peer that died or a
// collective beyond the deadline throws CommunicationError; the message names the collective.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace phidias::parallel {

enum class DataType { float32, float64, bfloat16, int32, int64, uint8 };
enum class ReduceOp { sum, max, min };

std::int64_t element_size(DataType type);

// A collective under way. wait() returns when the result is usable by the caller (for device buffers: ordered on the caller's stream).
class Work {
 public:
  virtual ~Work() = default;
  virtual void wait() = 0;
};

// Of a collective that is over when it has been called.
class FinishedWork : public Work {
 public:
  void wait() override {}
};

class Communicator {
 public:
  virtual ~Communicator() = default;
  virtual int rank() const = 0;
  virtual int size() const = 0;
  virtual std::string name() const = 0;  // "single", "mpi", "nccl"

  virtual void barrier() = 0;
  virtual void broadcast(void* buffer, std::int64_t count, DataType type, int root) = 0;
  // In place. bfloat16 sums are carried out in float32 and rounded once.
  virtual void all_reduce(void* buffer, std::int64_t count, DataType type, ReduceOp op) = 0;
  // `in` holds size() * count elements; rank r receives the reduction of the r-th part. `out` may be this rank's part of `in`.
  virtual void reduce_scatter(const void* in, void* out, std::int64_t count, DataType type, ReduceOp op) = 0;
  // `out` holds size() * count elements, rank r's part at r * count. `in` may be this rank's part of `out`.
  virtual void all_gather(const void* in, void* out, std::int64_t count, DataType type) = 0;
  virtual void all_gather_v(const void* in, std::int64_t count, void* out, std::span<const std::int64_t> counts, DataType type) = 0;
  // Parts lie back to back in rank order in both buffers.
  virtual void all_to_all_v(const void* in, std::span<const std::int64_t> send_counts, void* out, std::span<const std::int64_t> receive_counts,
                            DataType type) = 0;
  virtual void send(const void* buffer, std::int64_t count, DataType type, int peer) = 0;  // not collective
  virtual void receive(void* buffer, std::int64_t count, DataType type, int peer) = 0;     // not collective
  // Start a collective that may progress while the caller computes; buffers are left alone until wait(). Every rank starts the same ones in the same
  // order. Where a communicator has nothing better, they are carried out at once.
  virtual std::unique_ptr<Work> start_all_reduce(void* buffer, std::int64_t count, DataType type, ReduceOp op) = 0;
  virtual std::unique_ptr<Work> start_reduce_scatter(const void* in, void* out, std::int64_t count, DataType type, ReduceOp op) {
    reduce_scatter(in, out, count, type, op);
    return std::make_unique<FinishedWork>();
  }
  virtual std::unique_ptr<Work> start_all_gather(const void* in, void* out, std::int64_t count, DataType type) {
    all_gather(in, out, count, type);
    return std::make_unique<FinishedWork>();
  }
  // Ranks with equal colour form a group, ordered by key.
  virtual std::unique_ptr<Communicator> split(int color, int key) = 0;
};

// Host objects over a host communicator (SingleProcess or MPI).
std::string broadcast_string(Communicator& group, const std::string& text, int root = 0);
std::vector<std::string> all_gather_strings(Communicator& group, const std::string& text);

}  // namespace phidias::parallel
