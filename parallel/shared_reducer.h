// All-reduce, reduce-scatter and all-gather between processes of one host through a small segment of shared memory: faster than messages, because a
// chunk stays in the cache between being published, reduced and fetched.
//
// A buffer is cut into chunks. Of each chunk a rank publishes the slices that others reduce, reduces its own slice in rank order, and fetches the
// other slices' results; reduce-scatter leaves the last out, all-gather publishes the own part and fetches the others'. Several chunks are in flight,
// so ranks wait for each other only when they drift apart. No thread, no system call.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "parallel/collective_log.h"
#include "parallel/communicator.h"

namespace phidias::parallel {

class SharedReducer {
 public:
  // Creates the segment (one rank does) or opens it, under a name in the system's shared memory. Returns null when that is impossible, for example
  // when /dev/shm is full or absent. `bytes_for(size)` must fit.
  static std::unique_ptr<SharedReducer> create(const std::string& name, int rank, int size);
  static std::unique_ptr<SharedReducer> open(const std::string& name, int rank, int size);
  // Removes the name; the memory lives until the last process lets go of it. Call when every rank has opened.
  static void unlink(const std::string& name);
  ~SharedReducer();
  SharedReducer(const SharedReducer&) = delete;
  SharedReducer& operator=(const SharedReducer&) = delete;

  // Collective, in place, host memory. Throws CommunicationError at the scope's deadline.
  void all_reduce(void* buffer, std::int64_t count, DataType type, ReduceOp op, CollectiveScope& scope);
  // As Communicator's. `out` may be this rank's part of `in`, or `in` this rank's part of `out`.
  void reduce_scatter(const void* in, void* out, std::int64_t count, DataType type, ReduceOp op, CollectiveScope& scope);
  void all_gather(const void* in, void* out, std::int64_t bytes, CollectiveScope& scope);

 private:
  struct Progress;
  struct Chunk;
  struct Scatter;
  void wait_for_room(std::uint64_t chunk, CollectiveScope& scope);
  void publish(const Scatter& chunk, CollectiveScope& scope);
  void reduce(const Scatter& chunk, DataType type, ReduceOp op, CollectiveScope& scope);
  SharedReducer(void* memory, std::size_t bytes, int rank, int size);
  std::byte* area(int rank, std::uint64_t chunk) const;
  void publish(const Chunk& chunk, CollectiveScope& scope);
  void reduce(const Chunk& chunk, DataType type, ReduceOp op, CollectiveScope& scope);
  void fetch(const Chunk& chunk, CollectiveScope& scope);

  void* memory_;
  std::size_t bytes_, chunk_bytes_;
  int rank_, size_;
  std::uint64_t chunks_done_ = 0;  // since the segment was made; the same on every rank between collectives
};

}  // namespace phidias::parallel
