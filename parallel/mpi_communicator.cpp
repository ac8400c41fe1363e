#include "parallel/mpi_communicator.h"

#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <random>
#include <utility>

#include "base/error.h"
#include "base/hash.h"
#include "parallel/local_ranks.h"
#include "parallel/mpi_session.h"
#include "parallel/reduce.h"

namespace phidias::parallel {
namespace {

constexpr std::int64_t kLargestMessage = std::int64_t{1} << 30;  // MPI counts are int
constexpr std::int64_t kBroadcastPiece = std::int64_t{64} << 20;
constexpr std::int64_t kGatheredBytes = std::int64_t{32} << 10;  // up to here one exchange beats the two of the sliced all-reduce
constexpr std::int64_t kSliceBytes = std::int64_t{1} << 20;      // of one rank in one chunk of the sliced all-reduce
enum Tag : int { kData = 1, kScatter = 2, kCollect = 3, kPeer = 4 };

std::byte* at(void* base, std::int64_t offset) { return static_cast<std::byte*>(base) + offset; }
const std::byte* at(const void* base, std::int64_t offset) { return static_cast<const std::byte*>(base) + offset; }

void copy(void* out, const void* in, std::int64_t bytes) {
  if (bytes > 0 && out != in) std::memcpy(out, in, static_cast<std::size_t>(bytes));
}

}  // namespace

// Messages under way. Long ones travel in pieces that fit MPI's int counts.
class MpiCommunicator::Requests {
 public:
  explicit Requests(MPI_Comm comm) : comm_(comm) {}
  void send(const void* data, std::int64_t bytes, int peer, Tag tag) {
    for (std::int64_t begin = 0; begin < bytes; begin += kLargestMessage) {
      check_mpi(MPI_Isend(at(data, begin), static_cast<int>(std::min(kLargestMessage, bytes - begin)), MPI_BYTE, peer, tag, comm_, add()), "MPI_Isend");
    }
  }
  void receive(void* data, std::int64_t bytes, int peer, Tag tag) {
    for (std::int64_t begin = 0; begin < bytes; begin += kLargestMessage) {
      check_mpi(MPI_Irecv(at(data, begin), static_cast<int>(std::min(kLargestMessage, bytes - begin)), MPI_BYTE, peer, tag, comm_, add()), "MPI_Irecv");
    }
  }
  MPI_Request* add() { return &requests_.emplace_back(MPI_REQUEST_NULL); }
  bool done() {
    int flag = 0;
    check_mpi(MPI_Testall(static_cast<int>(requests_.size()), requests_.data(), &flag, MPI_STATUSES_IGNORE), "a transfer over MPI");
    if (flag) requests_.clear();
    return flag != 0;
  }

 private:
  MPI_Comm comm_;
  std::vector<MPI_Request> requests_;
};

MpiCommunicator::MpiCommunicator(MPI_Comm group, std::string group_name, std::shared_ptr<CollectiveLog> log)
    : group_name_(std::move(group_name)), log_(std::move(log)) {
  check_mpi(MPI_Comm_dup(group, &comm_), "MPI_Comm_dup");
  MPI_Comm_set_errhandler(comm_, MPI_ERRORS_RETURN);
  check_mpi(MPI_Comm_rank(comm_, &rank_), "MPI_Comm_rank");
  check_mpi(MPI_Comm_size(comm_, &size_), "MPI_Comm_size");
}

MpiCommunicator::~MpiCommunicator() {
  int finalized = 0;
  MPI_Finalized(&finalized);
  if (!finalized) MPI_Comm_free(&comm_);
}

Collective MpiCommunicator::entry(const char* operation, std::int64_t bytes) { return {operation, group_name_, ++sequence_, bytes}; }

void MpiCommunicator::wait(Requests& requests, CollectiveScope& scope) {
  while (!requests.done()) scope.pause();
  scope.progressed();
}

std::unique_ptr<Work> MpiCommunicator::start_all_reduce(void* buffer, std::int64_t count, DataType type, ReduceOp op) {
  return queue_.defer([=, this] { all_reduce_now(buffer, count, type, op); });
}

std::unique_ptr<Work> MpiCommunicator::start_reduce_scatter(const void* in, void* out, std::int64_t count, DataType type, ReduceOp op) {
  return queue_.defer([=, this] { reduce_scatter_now(in, out, count, type, op); });
}

std::unique_ptr<Work> MpiCommunicator::start_all_gather(const void* in, void* out, std::int64_t count, DataType type) {
  return queue_.defer([=, this] { all_gather_now(in, out, count, type); });
}

void MpiCommunicator::barrier_now(CollectiveScope& scope) {
  Requests requests(comm_);
  check_mpi(MPI_Ibarrier(comm_, requests.add()), "MPI_Ibarrier");
  wait(requests, scope);
}

void MpiCommunicator::barrier() {
  const auto turn = queue_.enter();
  CollectiveScope scope(*log_, entry("barrier", 0));
  barrier_now(scope);
}

void MpiCommunicator::broadcast(void* buffer, std::int64_t count, DataType type, int root) {
  const auto turn = queue_.enter();
  const std::int64_t bytes = count * element_size(type);
  CollectiveScope scope(*log_, entry("broadcast", bytes));
  for (std::int64_t begin = 0; begin < bytes; begin += kBroadcastPiece) {
    Requests requests(comm_);
    const int piece = static_cast<int>(std::min(kBroadcastPiece, bytes - begin));
    check_mpi(MPI_Ibcast(at(buffer, begin), piece, MPI_BYTE, root, comm_, requests.add()), "MPI_Ibcast");
    wait(requests, scope);
  }
}

void MpiCommunicator::all_reduce(void* buffer, std::int64_t count, DataType type, ReduceOp op) {
  const auto turn = queue_.enter();
  all_reduce_now(buffer, count, type, op);
}

void MpiCommunicator::all_reduce_now(void* buffer, std::int64_t count, DataType type, ReduceOp op) {
  const std::int64_t bytes = count * element_size(type);
  CollectiveScope scope(*log_, entry("all_reduce", bytes));
  if (size_ == 1 || count == 0) return;
  if (SharedReducer* shared = shared_reducer(scope)) return shared->all_reduce(buffer, count, type, op, scope);
  if (bytes <= kGatheredBytes)
    all_reduce_gathered(buffer, count, type, op, scope);
  else
    all_reduce_sliced(static_cast<std::byte*>(buffer), count, type, op, scope);
}

// Made when it is first of use, so that groups that never reduce pay nothing. Either every rank gets one or none does.
SharedReducer* MpiCommunicator::shared_reducer(CollectiveScope& scope) {
  if (!shared_memory_allowed_) return nullptr;
  if (shared_memory_tried_) return shared_.get();
  shared_memory_tried_ = true;
  const Hash128 host = host_identity();
  std::vector<Hash128> hosts(static_cast<std::size_t>(size_));
  gather_bytes(&host, hosts.data(), std::vector<std::int64_t>(hosts.size(), sizeof(host)), scope);
  if (std::any_of(hosts.begin(), hosts.end(), [&](const Hash128& other) { return other != host; })) return nullptr;
  std::uint64_t identity[2] = {};
  if (rank_ == 0) {
    std::random_device random;
    for (std::uint64_t& word : identity) word = std::uint64_t{random()} << 32 | random();
  }
  Requests requests(comm_);
  check_mpi(MPI_Ibcast(identity, sizeof(identity), MPI_BYTE, 0, comm_, requests.add()), "MPI_Ibcast");
  wait(requests, scope);
  const std::string name = "/phidias-" + std::to_string(identity[0]) + "-" + std::to_string(identity[1]);
  if (rank_ == 0) shared_ = SharedReducer::create(name, rank_, size_);
  barrier_now(scope);
  if (rank_ != 0) shared_ = SharedReducer::open(name, rank_, size_);
  std::int32_t everywhere = shared_ != nullptr;
  all_reduce_gathered(&everywhere, 1, DataType::int32, ReduceOp::min, scope);
  if (rank_ == 0) SharedReducer::unlink(name);
  if (!everywhere) shared_.reset();
  return shared_.get();
}

// Small buffers: everybody gets everything and reduces it all.
void MpiCommunicator::all_reduce_gathered(void* buffer, std::int64_t count, DataType type, ReduceOp op, CollectiveScope& scope) {
  const std::int64_t bytes = count * element_size(type);
  std::vector<std::byte> all(static_cast<std::size_t>(bytes * size_));
  const std::vector<std::int64_t> byte_counts(static_cast<std::size_t>(size_), bytes);
  gather_bytes(buffer, all.data(), byte_counts, scope);
  std::vector<const void*> parts;
  for (int r = 0; r < size_; ++r) parts.push_back(all.data() + r * bytes);
  reduce_in_rank_order(parts, buffer, count, type, op);
}

// Large buffers, chunk by chunk: every rank gets its slice from all others, reduces it, and sends the result to all others. While a chunk is reduced
// and collected the next one's slices are travelling.
void MpiCommunicator::all_reduce_sliced(std::byte* buffer, std::int64_t count, DataType type, ReduceOp op, CollectiveScope& scope) {
  const std::int64_t element = element_size(type), per_slice = kSliceBytes / element, per_chunk = per_slice * size_;
  const std::int64_t chunks = (count + per_chunk - 1) / per_chunk;
  std::vector<std::byte> received[2];
  for (auto& slices : received) slices.resize(static_cast<std::size_t>(size_ * std::min(per_slice, (count + size_ - 1) / size_) * element));
  Requests scatter[2] = {Requests(comm_), Requests(comm_)}, collect(comm_);

  const auto slice_length = [&](std::int64_t chunk) { return (std::min(per_chunk, count - chunk * per_chunk) + size_ - 1) / size_; };
  const auto slice_begin = [&](std::int64_t chunk, int r) { return std::min(count, chunk * per_chunk + r * slice_length(chunk)); };
  const auto slice_bytes = [&](std::int64_t chunk, int r) {
    return (std::min(slice_begin(chunk, r) + slice_length(chunk), std::min(count, (chunk + 1) * per_chunk)) - slice_begin(chunk, r)) * element;
  };
  const auto start_scatter = [&](std::int64_t chunk) {
    Requests& requests = scatter[chunk % 2];
    const std::int64_t mine = slice_bytes(chunk, rank_);
    for (int step = 1; step < size_; ++step) {
      const int from = (rank_ - step + size_) % size_, to = (rank_ + step) % size_;
      requests.receive(received[chunk % 2].data() + from * slice_length(chunk) * element, mine, from, kScatter);
      requests.send(buffer + slice_begin(chunk, to) * element, slice_bytes(chunk, to), to, kScatter);
    }
  };

  start_scatter(0);
  for (std::int64_t chunk = 0; chunk < chunks; ++chunk) {
    if (chunk + 1 < chunks) start_scatter(chunk + 1);
    wait(scatter[chunk % 2], scope);
    std::byte* mine = buffer + slice_begin(chunk, rank_) * element;
    std::vector<const void*> parts;
    for (int r = 0; r < size_; ++r) parts.push_back(r == rank_ ? mine : received[chunk % 2].data() + r * slice_length(chunk) * element);
    reduce_in_rank_order(parts, mine, slice_bytes(chunk, rank_) / element, type, op);
    wait(collect, scope);
    for (int step = 1; step < size_; ++step) {
      const int from = (rank_ - step + size_) % size_, to = (rank_ + step) % size_;
      collect.receive(buffer + slice_begin(chunk, from) * element, slice_bytes(chunk, from), from, kCollect);
      collect.send(mine, slice_bytes(chunk, rank_), to, kCollect);
    }
  }
  wait(collect, scope);
}

void MpiCommunicator::reduce_scatter(const void* in, void* out, std::int64_t count, DataType type, ReduceOp op) {
  const auto turn = queue_.enter();
  reduce_scatter_now(in, out, count, type, op);
}

void MpiCommunicator::reduce_scatter_now(const void* in, void* out, std::int64_t count, DataType type, ReduceOp op) {
  const std::int64_t element = element_size(type), per_piece = kSliceBytes / element;
  CollectiveScope scope(*log_, entry("reduce_scatter", count * element * size_));
  if (size_ == 1) return copy(out, in, count * element);
  if (count == 0) return;
  if (SharedReducer* shared = shared_reducer(scope)) return shared->reduce_scatter(in, out, count, type, op, scope);
  std::vector<std::byte> received(static_cast<std::size_t>(size_ * std::min(per_piece, count) * element));
  for (std::int64_t begin = 0; begin < count; begin += per_piece) {
    const std::int64_t length = std::min(per_piece, count - begin), bytes = length * element;
    Requests requests(comm_);
    for (int step = 1; step < size_; ++step) {
      const int from = (rank_ - step + size_) % size_, to = (rank_ + step) % size_;
      requests.receive(received.data() + from * bytes, bytes, from, kScatter);
      requests.send(at(in, (to * count + begin) * element), bytes, to, kScatter);
    }
    wait(requests, scope);
    std::vector<const void*> parts;
    for (int r = 0; r < size_; ++r) parts.push_back(r == rank_ ? at(in, (rank_ * count + begin) * element) : received.data() + r * bytes);
    reduce_in_rank_order(parts, at(out, begin * element), length, type, op);
  }
}

void MpiCommunicator::gather_bytes(const void* in, void* out, std::span<const std::int64_t> byte_counts, CollectiveScope& scope) {
  std::vector<std::int64_t> begin(byte_counts.size() + 1, 0);
  for (std::size_t r = 0; r < byte_counts.size(); ++r) begin[r + 1] = begin[r] + byte_counts[r];
  const std::int64_t mine = byte_counts[static_cast<std::size_t>(rank_)];
  Requests requests(comm_);
  for (int step = 1; step < size_; ++step) {
    const int from = (rank_ - step + size_) % size_, to = (rank_ + step) % size_;
    requests.receive(at(out, begin[static_cast<std::size_t>(from)]), byte_counts[static_cast<std::size_t>(from)], from, kData);
    requests.send(in, mine, to, kData);
  }
  copy(at(out, begin[static_cast<std::size_t>(rank_)]), in, mine);
  wait(requests, scope);
}

void MpiCommunicator::all_gather(const void* in, void* out, std::int64_t count, DataType type) {
  const auto turn = queue_.enter();
  all_gather_now(in, out, count, type);
}

void MpiCommunicator::all_gather_now(const void* in, void* out, std::int64_t count, DataType type) {
  const std::int64_t bytes = count * element_size(type);
  CollectiveScope scope(*log_, entry("all_gather", bytes));
  if (size_ > 1 && bytes > kGatheredBytes) {
    if (SharedReducer* shared = shared_reducer(scope)) return shared->all_gather(in, out, bytes, scope);
  }
  gather_bytes(in, out, std::vector<std::int64_t>(static_cast<std::size_t>(size_), bytes), scope);
}

void MpiCommunicator::all_gather_v(const void* in, std::int64_t count, void* out, std::span<const std::int64_t> counts, DataType type) {
  const auto turn = queue_.enter();
  if (counts.size() != static_cast<std::size_t>(size_) || counts[static_cast<std::size_t>(rank_)] != count) {
    throw CommunicationError("all_gather_v: the counts do not describe this group of " + std::to_string(size_) + " ranks");
  }
  std::vector<std::int64_t> byte_counts(counts.begin(), counts.end());
  for (std::int64_t& bytes : byte_counts) bytes *= element_size(type);
  CollectiveScope scope(*log_, entry("all_gather", count * element_size(type)));
  gather_bytes(in, out, byte_counts, scope);
}

void MpiCommunicator::all_to_all_v(const void* in, std::span<const std::int64_t> send_counts, void* out, std::span<const std::int64_t> receive_counts,
                                   DataType type) {
  const auto turn = queue_.enter();
  if (send_counts.size() != static_cast<std::size_t>(size_) || receive_counts.size() != send_counts.size()) {
    throw CommunicationError("all_to_all_v: one count per rank is needed, for " + std::to_string(size_) + " ranks");
  }
  const std::int64_t element = element_size(type);
  std::vector<std::int64_t> sent(send_counts.size() + 1, 0), taken(receive_counts.size() + 1, 0);  // bytes before each rank's part
  for (std::size_t r = 0; r < send_counts.size(); ++r) {
    sent[r + 1] = sent[r] + send_counts[r] * element;
    taken[r + 1] = taken[r] + receive_counts[r] * element;
  }
  CollectiveScope scope(*log_, entry("all_to_all", sent.back()));
  Requests requests(comm_);
  for (int step = 1; step < size_; ++step) {
    const auto from = static_cast<std::size_t>((rank_ - step + size_) % size_), to = static_cast<std::size_t>((rank_ + step) % size_);
    requests.receive(at(out, taken[from]), taken[from + 1] - taken[from], static_cast<int>(from), kData);
    requests.send(at(in, sent[to]), sent[to + 1] - sent[to], static_cast<int>(to), kData);
  }
  const auto self = static_cast<std::size_t>(rank_);
  copy(at(out, taken[self]), at(in, sent[self]), sent[self + 1] - sent[self]);
  wait(requests, scope);
}

void MpiCommunicator::send(const void* buffer, std::int64_t count, DataType type, int peer) {
  const auto turn = queue_.enter();
  CollectiveScope scope(*log_, entry("send", count * element_size(type)));
  Requests requests(comm_);
  requests.send(buffer, count * element_size(type), peer, kPeer);
  wait(requests, scope);
}

void MpiCommunicator::receive(void* buffer, std::int64_t count, DataType type, int peer) {
  const auto turn = queue_.enter();
  CollectiveScope scope(*log_, entry("receive", count * element_size(type)));
  Requests requests(comm_);
  requests.receive(buffer, count * element_size(type), peer, kPeer);
  wait(requests, scope);
}

std::unique_ptr<Communicator> MpiCommunicator::split(int color, int key) {
  barrier();  // MPI_Comm_split cannot be polled: meet before, under the deadline
  const auto turn = queue_.enter();
  MPI_Comm part = MPI_COMM_NULL;
  check_mpi(MPI_Comm_split(comm_, color, key, &part), "MPI_Comm_split");
  auto result = std::make_unique<MpiCommunicator>(part, group_name_ + "/" + std::to_string(++splits_) + ":" + std::to_string(color), log_);
  MPI_Comm_free(&part);
  return result;
}

}  // namespace phidias::parallel
