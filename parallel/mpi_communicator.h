// Communicator over MPI on host memory.
//
// MPI carries bytes; the arithmetic is this project's (reduce.h), so a sum has the same bits on every rank, on every run and on every transport. Ranks of
// one host reduce and gather through shared memory (shared_reducer.h). Nothing blocks inside MPI: requests are polled until the deadline of the CollectiveLog.
// Calls are serialised, and what the start_ functions queued is worked off by wait() or by the next call (collective_queue.h).
#pragma once

#include <mpi.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "parallel/collective_log.h"
#include "parallel/collective_queue.h"
#include "parallel/communicator.h"
#include "parallel/shared_reducer.h"

namespace phidias::parallel {

class MpiCommunicator : public Communicator {
 public:
  // Takes a duplicate of `group`; collective. `group_name` appears in messages.
  MpiCommunicator(MPI_Comm group, std::string group_name, std::shared_ptr<CollectiveLog> log);
  ~MpiCommunicator() override;

  int rank() const override { return rank_; }
  int size() const override { return size_; }
  std::string name() const override { return "mpi"; }
  void barrier() override;
  void broadcast(void* buffer, std::int64_t count, DataType type, int root) override;
  void all_reduce(void* buffer, std::int64_t count, DataType type, ReduceOp op) override;
  void reduce_scatter(const void* in, void* out, std::int64_t count, DataType type, ReduceOp op) override;
  void all_gather(const void* in, void* out, std::int64_t count, DataType type) override;
  void all_gather_v(const void* in, std::int64_t count, void* out, std::span<const std::int64_t> counts, DataType type) override;
  void all_to_all_v(const void* in, std::span<const std::int64_t> send_counts, void* out, std::span<const std::int64_t> receive_counts, DataType type) override;
  void send(const void* buffer, std::int64_t count, DataType type, int peer) override;
  void receive(void* buffer, std::int64_t count, DataType type, int peer) override;
  std::unique_ptr<Work> start_all_reduce(void* buffer, std::int64_t count, DataType type, ReduceOp op) override;
  std::unique_ptr<Work> start_reduce_scatter(const void* in, void* out, std::int64_t count, DataType type, ReduceOp op) override;
  std::unique_ptr<Work> start_all_gather(const void* in, void* out, std::int64_t count, DataType type) override;
  std::unique_ptr<Communicator> split(int color, int key) override;

  // For measurements and tests: off reduces through MPI even on one host. The same on every rank.
  void use_shared_memory(bool allowed) { shared_memory_allowed_ = allowed; }

 private:
  class Requests;

  Collective entry(const char* operation, std::int64_t bytes);
  void all_reduce_now(void* buffer, std::int64_t count, DataType type, ReduceOp op);
  void reduce_scatter_now(const void* in, void* out, std::int64_t count, DataType type, ReduceOp op);
  void all_gather_now(const void* in, void* out, std::int64_t count, DataType type);
  void all_reduce_gathered(void* buffer, std::int64_t count, DataType type, ReduceOp op, CollectiveScope& scope);
  void all_reduce_sliced(std::byte* buffer, std::int64_t count, DataType type, ReduceOp op, CollectiveScope& scope);
  SharedReducer* shared_reducer(CollectiveScope& scope);
  void wait(Requests& requests, CollectiveScope& scope);
  void gather_bytes(const void* in, void* out, std::span<const std::int64_t> byte_counts, CollectiveScope& scope);
  void barrier_now(CollectiveScope& scope);

  MPI_Comm comm_ = MPI_COMM_NULL;
  int rank_ = 0, size_ = 1;
  bool shared_memory_allowed_ = true, shared_memory_tried_ = false;
  std::string group_name_;
  std::shared_ptr<CollectiveLog> log_;
  std::unique_ptr<SharedReducer> shared_;
  CollectiveQueue queue_;
  std::uint64_t sequence_ = 0;
  int splits_ = 0;
};

}  // namespace phidias::parallel
