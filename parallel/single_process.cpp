#include "parallel/single_process.h"

#include <cstring>

#include "base/error.h"

namespace phidias::parallel {
namespace {

void copy(const void* in, void* out, std::int64_t count, DataType type) {
  if (in != out && count > 0) std::memcpy(out, in, static_cast<std::size_t>(count * element_size(type)));
}

}  // namespace

void SingleProcess::broadcast(void*, std::int64_t, DataType, int root) {
  if (root != 0) throw CommunicationError("broadcast from rank " + std::to_string(root) + " in a group of one");
}
void SingleProcess::all_reduce(void*, std::int64_t, DataType, ReduceOp) {}
void SingleProcess::reduce_scatter(const void* in, void* out, std::int64_t count, DataType type, ReduceOp) { copy(in, out, count, type); }
void SingleProcess::all_gather(const void* in, void* out, std::int64_t count, DataType type) { copy(in, out, count, type); }
void SingleProcess::all_gather_v(const void* in, std::int64_t count, void* out, std::span<const std::int64_t>, DataType type) { copy(in, out, count, type); }
void SingleProcess::all_to_all_v(const void* in, std::span<const std::int64_t> send_counts, void* out, std::span<const std::int64_t>, DataType type) {
  copy(in, out, send_counts[0], type);
}
void SingleProcess::send(const void*, std::int64_t, DataType, int) { throw CommunicationError("send in a group of one rank"); }
void SingleProcess::receive(void*, std::int64_t, DataType, int) { throw CommunicationError("receive in a group of one rank"); }
std::unique_ptr<Work> SingleProcess::start_all_reduce(void*, std::int64_t, DataType, ReduceOp) { return std::make_unique<FinishedWork>(); }
std::unique_ptr<Communicator> SingleProcess::split(int, int) { return std::make_unique<SingleProcess>(); }

}  // namespace phidias::parallel
