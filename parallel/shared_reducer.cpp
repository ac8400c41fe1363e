#include "parallel/shared_reducer.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstring>
#include <new>
#include <vector>

#include "parallel/reduce.h"

namespace phidias::parallel {
namespace {

constexpr std::uint64_t kDepth = 4;                          // chunks in flight
constexpr std::size_t kSegmentBytes = std::size_t{4} << 20;  // about this much for all ranks together: it has to stay in the cache
constexpr std::size_t kLargestChunk = std::size_t{256} << 10, kSmallestChunk = std::size_t{16} << 10;
constexpr std::size_t kAlignment = 64;
constexpr std::int64_t kElementAlignment = 8;  // of pieces, in bytes: whole elements of every type

std::size_t chunk_bytes_for(int size) {
  const std::size_t share = kSegmentBytes / (static_cast<std::size_t>(size) * kDepth) / kAlignment * kAlignment;
  return std::clamp(share, kSmallestChunk, kLargestChunk);
}

}  // namespace

// How far a rank has come, in chunks since the segment was made; on a cache line of its own. A fresh segment is zero.
struct alignas(kAlignment) SharedReducer::Progress {
  std::atomic<std::uint64_t> published, reduced, fetched;
};

// A piece of the caller's buffer and the slices of it that belong to each rank.
struct SharedReducer::Chunk {
  std::uint64_t number;  // from 1
  std::byte* data;
  std::int64_t count, element, ranks;

  std::int64_t slice_begin(int rank) const { return std::min(count, rank * slice_length()); }
  std::int64_t slice_count(int rank) const { return slice_begin(rank + 1) - slice_begin(rank); }
  std::int64_t slice_length() const { return (count + ranks - 1) / ranks; }
};

// A piece of every rank's part of a reduce-scatter, from `begin` of the part on.
struct SharedReducer::Scatter {
  std::uint64_t number;  // from 1
  const std::byte* in;
  std::byte* out;
  std::int64_t part, begin, length;  // bytes

  const std::byte* piece_of(int rank) const { return in + rank * part + begin; }
};

namespace {

std::size_t segment_bytes(int size, std::size_t progress_bytes) { return static_cast<std::size_t>(size) * (progress_bytes + kDepth * chunk_bytes_for(size)); }

void* map(int descriptor, std::size_t bytes) {
  void* memory = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0);
  ::close(descriptor);
  return memory == MAP_FAILED ? nullptr : memory;
}

void wait_until(const std::atomic<std::uint64_t>& value, std::uint64_t at_least, CollectiveScope& scope) {
  while (value.load(std::memory_order_acquire) < at_least) scope.pause();
  scope.progressed();
}

}  // namespace

std::unique_ptr<SharedReducer> SharedReducer::create(const std::string& name, int rank, int size) {
  const int descriptor = ::shm_open(name.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (descriptor < 0) return nullptr;
  const std::size_t bytes = segment_bytes(size, sizeof(Progress));
  if (::posix_fallocate(descriptor, 0, static_cast<off_t>(bytes)) != 0) {  // a full /dev/shm must not become a SIGBUS later
    ::close(descriptor);
    ::shm_unlink(name.c_str());
    return nullptr;
  }
  void* memory = map(descriptor, bytes);
  if (memory == nullptr) {
    ::shm_unlink(name.c_str());
    return nullptr;
  }
  return std::unique_ptr<SharedReducer>(new SharedReducer(memory, bytes, rank, size));
}

std::unique_ptr<SharedReducer> SharedReducer::open(const std::string& name, int rank, int size) {
  const int descriptor = ::shm_open(name.c_str(), O_RDWR | O_CLOEXEC, 0);
  if (descriptor < 0) return nullptr;
  const std::size_t bytes = segment_bytes(size, sizeof(Progress));
  void* memory = map(descriptor, bytes);
  return memory == nullptr ? nullptr : std::unique_ptr<SharedReducer>(new SharedReducer(memory, bytes, rank, size));
}

void SharedReducer::unlink(const std::string& name) { ::shm_unlink(name.c_str()); }

SharedReducer::SharedReducer(void* memory, std::size_t bytes, int rank, int size)
    : memory_(memory), bytes_(bytes), chunk_bytes_(chunk_bytes_for(size)), rank_(rank), size_(size) {}

SharedReducer::~SharedReducer() { ::munmap(memory_, bytes_); }

std::byte* SharedReducer::area(int rank, std::uint64_t chunk) const {
  const std::size_t index = static_cast<std::size_t>(rank) * kDepth + chunk % kDepth;
  return static_cast<std::byte*>(memory_) + static_cast<std::size_t>(size_) * sizeof(Progress) + index * chunk_bytes_;
}

// The area was used kDepth chunks ago: everybody must have fetched that one.
void SharedReducer::wait_for_room(std::uint64_t chunk, CollectiveScope& scope) {
  if (chunk <= kDepth) return;
  const Progress* progress = static_cast<const Progress*>(memory_);
  for (int r = 0; r < size_; ++r) wait_until(progress[r].fetched, chunk - kDepth, scope);
}

void SharedReducer::publish(const Chunk& chunk, CollectiveScope& scope) {
  Progress* progress = static_cast<Progress*>(memory_);
  wait_for_room(chunk.number, scope);
  std::byte* mine = area(rank_, chunk.number);
  const std::int64_t begin = chunk.slice_begin(rank_) * chunk.element, end = chunk.slice_begin(rank_ + 1) * chunk.element;
  std::memcpy(mine, chunk.data, static_cast<std::size_t>(begin));
  std::memcpy(mine + end, chunk.data + end, static_cast<std::size_t>(chunk.count * chunk.element - end));
  progress[rank_].published.store(chunk.number, std::memory_order_release);
}

void SharedReducer::reduce(const Chunk& chunk, DataType type, ReduceOp op, CollectiveScope& scope) {
  Progress* progress = static_cast<Progress*>(memory_);
  const std::int64_t offset = chunk.slice_begin(rank_) * chunk.element, bytes = chunk.slice_count(rank_) * chunk.element;
  std::vector<const void*> parts(static_cast<std::size_t>(size_));
  for (int r = 0; r < size_; ++r) {
    wait_until(progress[r].published, chunk.number, scope);
    parts[static_cast<std::size_t>(r)] = r == rank_ ? chunk.data + offset : area(r, chunk.number) + offset;
  }
  reduce_in_rank_order(parts, chunk.data + offset, chunk.slice_count(rank_), type, op);
  std::memcpy(area(rank_, chunk.number) + offset, chunk.data + offset, static_cast<std::size_t>(bytes));
  progress[rank_].reduced.store(chunk.number, std::memory_order_release);
}

void SharedReducer::fetch(const Chunk& chunk, CollectiveScope& scope) {
  Progress* progress = static_cast<Progress*>(memory_);
  for (int r = 0; r < size_; ++r) {
    if (r == rank_) continue;
    wait_until(progress[r].reduced, chunk.number, scope);
    const std::int64_t offset = chunk.slice_begin(r) * chunk.element;
    std::memcpy(chunk.data + offset, area(r, chunk.number) + offset, static_cast<std::size_t>(chunk.slice_count(r) * chunk.element));
  }
  progress[rank_].fetched.store(chunk.number, std::memory_order_release);
}

void SharedReducer::all_reduce(void* buffer, std::int64_t count, DataType type, ReduceOp op, CollectiveScope& scope) {
  const std::int64_t element = element_size(type), per_chunk = static_cast<std::int64_t>(chunk_bytes_) / element;
  const std::int64_t chunks = (count + per_chunk - 1) / per_chunk;
  const auto chunk = [&](std::int64_t index) {
    return Chunk{chunks_done_ + static_cast<std::uint64_t>(index) + 1, static_cast<std::byte*>(buffer) + index * per_chunk * element,
                 std::min(per_chunk, count - index * per_chunk), element, size_};
  };
  // Software pipeline: chunk i is published, i - 1 reduced and i - 2 fetched in one turn.
  for (std::int64_t turn = 0; turn < chunks + 2; ++turn) {
    if (turn < chunks) publish(chunk(turn), scope);
    if (turn >= 1 && turn - 1 < chunks) reduce(chunk(turn - 1), type, op, scope);
    if (turn >= 2) fetch(chunk(turn - 2), scope);
  }
  chunks_done_ += static_cast<std::uint64_t>(chunks);
}

// Pieces for the other ranks, back to back in rank order.
void SharedReducer::publish(const Scatter& chunk, CollectiveScope& scope) {
  wait_for_room(chunk.number, scope);
  std::byte* target = area(rank_, chunk.number);
  for (int r = 0; r < size_; ++r) {
    if (r == rank_) continue;
    std::memcpy(target, chunk.piece_of(r), static_cast<std::size_t>(chunk.length));
    target += chunk.length;
  }
  static_cast<Progress*>(memory_)[rank_].published.store(chunk.number, std::memory_order_release);
}

void SharedReducer::reduce(const Scatter& chunk, DataType type, ReduceOp op, CollectiveScope& scope) {
  Progress* progress = static_cast<Progress*>(memory_);
  std::vector<const void*> parts(static_cast<std::size_t>(size_));
  for (int r = 0; r < size_; ++r) {
    wait_until(progress[r].published, chunk.number, scope);
    const int place = rank_ < r ? rank_ : rank_ - 1;  // of this rank's piece among those that r publishes
    parts[static_cast<std::size_t>(r)] = r == rank_ ? chunk.piece_of(r) : area(r, chunk.number) + place * chunk.length;
  }
  reduce_in_rank_order(parts, chunk.out + chunk.begin, chunk.length / element_size(type), type, op);
  progress[rank_].reduced.store(chunk.number, std::memory_order_release);
  progress[rank_].fetched.store(chunk.number, std::memory_order_release);
}

void SharedReducer::reduce_scatter(const void* in, void* out, std::int64_t count, DataType type, ReduceOp op, CollectiveScope& scope) {
  const std::int64_t part = count * element_size(type);
  const std::int64_t pieces_bytes = static_cast<std::int64_t>(chunk_bytes_) / (size_ - 1);
  const std::int64_t per_chunk = std::max<std::int64_t>(pieces_bytes / kElementAlignment * kElementAlignment, kElementAlignment);
  const std::int64_t chunks = (part + per_chunk - 1) / per_chunk;
  const auto chunk = [&](std::int64_t index) {
    const std::int64_t begin = index * per_chunk;
    return Scatter{chunks_done_ + static_cast<std::uint64_t>(index) + 1,
                   static_cast<const std::byte*>(in),
                   static_cast<std::byte*>(out),
                   part,
                   begin,
                   std::min(per_chunk, part - begin)};
  };
  for (std::int64_t turn = 0; turn < chunks + 1; ++turn) {
    if (turn < chunks) publish(chunk(turn), scope);
    if (turn >= 1) reduce(chunk(turn - 1), type, op, scope);
  }
  chunks_done_ += static_cast<std::uint64_t>(chunks);
}

void SharedReducer::all_gather(const void* in, void* out, std::int64_t bytes, CollectiveScope& scope) {
  Progress* progress = static_cast<Progress*>(memory_);
  const auto* mine = static_cast<const std::byte*>(in);
  auto* whole = static_cast<std::byte*>(out);
  if (bytes > 0 && whole + rank_ * bytes != mine) std::memcpy(whole + rank_ * bytes, mine, static_cast<std::size_t>(bytes));
  const auto per_chunk = static_cast<std::int64_t>(chunk_bytes_);
  const std::int64_t chunks = (bytes + per_chunk - 1) / per_chunk;
  for (std::int64_t turn = 0; turn < chunks + 1; ++turn) {
    const std::uint64_t number = chunks_done_ + static_cast<std::uint64_t>(turn) + 1;
    if (turn < chunks) {
      const std::int64_t begin = turn * per_chunk;
      wait_for_room(number, scope);
      std::memcpy(area(rank_, number), mine + begin, static_cast<std::size_t>(std::min(per_chunk, bytes - begin)));
      progress[rank_].published.store(number, std::memory_order_release);
    }
    if (turn == 0) continue;
    const std::int64_t begin = (turn - 1) * per_chunk;
    for (int r = 0; r < size_; ++r) {
      wait_until(progress[r].published, number - 1, scope);
      if (r != rank_) std::memcpy(whole + r * bytes + begin, area(r, number - 1), static_cast<std::size_t>(std::min(per_chunk, bytes - begin)));
    }
    progress[rank_].reduced.store(number - 1, std::memory_order_release);
    progress[rank_].fetched.store(number - 1, std::memory_order_release);
  }
  chunks_done_ += static_cast<std::uint64_t>(chunks);
}

}  // namespace phidias::parallel
