// The keys that a tile of queries may see, as pieces of a tile of scores: blocks masked by the pattern never appear, so nothing is computed for them.
#pragma once

#include "kernels/cpu/level.h"

namespace {

// One after the last query of the tile that starts at `query`: a tile never crosses a block of the pattern, so all its queries see the same blocks.
inline int64_t query_tile_end(const BlockSparsePattern& sparse, int64_t query, int64_t end) {
  int64_t tile_end = query + kQueryBlock < end ? query + kQueryBlock : end;
  if (sparse.block_size == 0) return tile_end;
  const int64_t block_end = (query / sparse.block_size + 1) * sparse.block_size;
  return block_end < tile_end ? block_end : tile_end;
}

// First key visible to query i of a document under a window.
inline int64_t first_key(int64_t i, int64_t window) { return window > 0 && i >= window ? i - window + 1 : 0; }

// Consecutive keys [begin, begin + count) of a document.
struct KeyRun {
  int64_t begin, count;
};

// Walks the keys of one head that the queries [query, query_end) of one tile see, ascending.
class VisibleRuns {
 public:
  VisibleRuns(const BlockSparsePattern& sparse, int64_t head, int64_t window, int64_t query, int64_t query_end)
      : sparse_(sparse), shift_(1 + head * sparse.head_step), key_(first_key(query, window)), end_(query_end) {
    if (sparse.block_size == 0) return;
    const int64_t first_local = query / sparse.block_size - sparse.local_blocks + 1;
    local_begin_ = first_local > 0 ? first_local * sparse.block_size : 0;
  }

  // The next run of at most `most` keys; false when every key has been given.
  bool next(KeyRun& run, int64_t most) {
    const int64_t run_end = visible_until();
    if (key_ >= end_) return false;
    run = {key_, run_end - key_ < most ? run_end - key_ : most};
    key_ += run.count;
    return true;
  }

 private:
  // Moves key_ to the next visible key and gives the end of the visible keys from there.
  int64_t visible_until() {
    if (key_ >= local_begin_) return end_;
    int64_t block = key_ / sparse_.block_size;
    const int64_t beyond = (block + shift_) % sparse_.vertical_stride;
    if (beyond != 0) {
      block += sparse_.vertical_stride - beyond;
      key_ = block * sparse_.block_size;
    }
    if (key_ < local_begin_) return (block + 1) * sparse_.block_size;
    key_ = local_begin_;
    return end_;
  }

  const BlockSparsePattern sparse_;
  const int64_t shift_;
  int64_t local_begin_ = 0, key_;
  const int64_t end_;
};

// Keys [begin, begin + count) of a document in the columns [column, column + count) of a tile of scores.
struct KeyPiece {
  int64_t begin, count, column;
};

// The same keys in tiles of at most kKeyBlock columns.
class VisibleKeys {
 public:
  VisibleKeys(const BlockSparsePattern& sparse, int64_t head, int64_t window, int64_t query, int64_t query_end)
      : runs_(sparse, head, window, query, query_end) {}

  // Fills pieces and width with the next tile; false when every key has been given.
  bool next() {
    count = width = 0;
    for (KeyRun run; width < kKeyBlock && runs_.next(run, kKeyBlock - width); width += run.count) {
      if (count > 0 && pieces[count - 1].begin + pieces[count - 1].count == run.begin)
        pieces[count - 1].count += run.count;
      else
        pieces[count++] = {run.begin, run.count, width};
    }
    return width > 0;
  }

  // Columns of the tile whose key is below `key`.
  int64_t columns_below(int64_t key) const {
    for (int64_t i = count - 1; i >= 0; --i) {
      if (key <= pieces[i].begin) continue;
      return pieces[i].column + (key - pieces[i].begin < pieces[i].count ? key - pieces[i].begin : pieces[i].count);
    }
    return 0;
  }

  KeyPiece pieces[kKeyBlock];
  int64_t count = 0, width = 0;

 private:
  VisibleRuns runs_;
};

}  // namespace
