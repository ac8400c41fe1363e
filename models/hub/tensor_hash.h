// Content hash of a logical tensor: the hash of the hashes of its 16 MiB chunks, whatever files or shards hold it.
//
// The bytes are those of a safetensors file (row-major, little endian, the tensor's own dtype). Chunk hashes can be computed by whoever
// has the chunk and joined in order; a tensor without bytes has no chunks. XXH3-128 (base/hash.h); a chunk's hash enters the outer one as
// its 32 hex digits.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstddef>
#include <vector>

#include "base/hash.h"

namespace phidias::models {

inline constexpr std::size_t kHashChunkBytes = std::size_t{16} << 20;

Hash128 join_chunk_hashes(const std::vector<Hash128>& chunks);
// Hashes of consecutive chunks; `bytes` begins at a chunk's begin.
std::vector<Hash128> hash_chunks(const void* bytes, std::size_t size);
Hash128 hash_tensor_bytes(const void* bytes, std::size_t size);
// Any device; chunks are hashed by several threads.
Hash128 hash_tensor(const at::Tensor& tensor);

}  // namespace phidias::models
