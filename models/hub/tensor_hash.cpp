#include "models/hub/tensor_hash.h"

#include <ATen/Parallel.h>

#include <algorithm>

namespace phidias::models {

Hash128 join_chunk_hashes(const std::vector<Hash128>& chunks) {
  Hasher hasher;
  for (const Hash128& chunk : chunks) hasher.update(chunk.hex());
  return hasher.digest();
}

std::vector<Hash128> hash_chunks(const void* bytes, std::size_t size) {
  std::vector<Hash128> chunks((size + kHashChunkBytes - 1) / kHashChunkBytes);
  const auto* begin = static_cast<const std::byte*>(bytes);
  at::parallel_for(0, static_cast<std::int64_t>(chunks.size()), 1, [&](std::int64_t from, std::int64_t to) {
    for (auto i = static_cast<std::size_t>(from); i < static_cast<std::size_t>(to); ++i) {
      const std::size_t offset = i * kHashChunkBytes;
      chunks[i] = hash_bytes(begin + offset, std::min(kHashChunkBytes, size - offset));
    }
  });
  return chunks;
}

Hash128 hash_tensor_bytes(const void* bytes, std::size_t size) { return join_chunk_hashes(hash_chunks(bytes, size)); }

Hash128 hash_tensor(const at::Tensor& tensor) {
  const at::Tensor host = tensor.detach().cpu().contiguous();
  return hash_tensor_bytes(host.const_data_ptr(), host.nbytes());
}

}  // namespace phidias::models
