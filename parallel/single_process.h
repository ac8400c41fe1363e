// A group of one rank: every collective is a copy or nothing. Takes host memory; needs no MPI.
#pragma once

#include "parallel/communicator.h"

namespace phidias::parallel {

class SingleProcess : public Communicator {
 public:
  int rank() const override { return 0; }
  int size() const override { return 1; }
  std::string name() const override { return "single"; }
  void barrier() override {}
  void broadcast(void* buffer, std::int64_t count, DataType type, int root) override;
  void all_reduce(void* buffer, std::int64_t count, DataType type, ReduceOp op) override;
  void reduce_scatter(const void* in, void* out, std::int64_t count, DataType type, ReduceOp op) override;
  void all_gather(const void* in, void* out, std::int64_t count, DataType type) override;
  void all_gather_v(const void* in, std::int64_t count, void* out, std::span<const std::int64_t> counts, DataType type) override;
  void all_to_all_v(const void* in, std::span<const std::int64_t> send_counts, void* out, std::span<const std::int64_t> receive_counts, DataType type) override;
  // There is no peer: both throw CommunicationError.
  void send(const void* buffer, std::int64_t count, DataType type, int peer) override;
  void receive(void* buffer, std::int64_t count, DataType type, int peer) override;
  std::unique_ptr<Work> start_all_reduce(void* buffer, std::int64_t count, DataType type, ReduceOp op) override;
  std::unique_ptr<Communicator> split(int color, int key) override;
};

}  // namespace phidias::parallel
