// Block-sparse attention: which blocks of keys a block of queries sees, per head (Phi-3-small; configs::BlockSparseConfig of one layer).
//
// Blocks of block_size tokens count from the first token of a document. Query block i of head h sees key block j <= i iff i - j < local_blocks or
// (j + 1 + h * head_step) % vertical_stride == 0; inside its own block a query sees the keys up to itself. h is the global query head: with tensor
// parallelism too. For documents of at most local_blocks * block_size tokens the pattern is plain causal attention.
// Source: Phi-3-small's triton_blocksparse_attention_layer.py. No torch here: the CPU kernels and the .cu files read it too.
#pragma once

#include <cstdint>

namespace phidias::kernels {

struct BlockSparsePattern {
  std::int64_t block_size = 0;                         // 0: every key up to the query is seen, the other numbers mean nothing
  std::int64_t local_blocks = 0, vertical_stride = 0;  // at least 1
  std::int64_t head_step = 0;                          // 0: all heads share one pattern
  bool sees(std::int64_t head, std::int64_t query_block, std::int64_t key_block) const {
    return key_block <= query_block && (query_block - key_block < local_blocks || (key_block + 1 + head * head_step) % vertical_stride == 0);
  }
};

}  // namespace phidias::kernels
