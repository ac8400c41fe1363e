#include "kernels/attention.h"

#include "base/error.h"
#include "kernels/reference/reference.h"

namespace phidias::kernels {
namespace {

// [begin, end) pairs of the documents, flattened.
std::vector<std::int64_t> document_ranges(const PackedBatch& batch) {
  std::vector<std::int64_t> ranges;
  for (const data::Segment& segment : batch.segments) {
    if (segment.parent >= 0) throw ConfigError("attention over documents that share a prompt is not available; give each its own copy of the prompt");
    ranges.push_back(segment.begin);
    ranges.push_back(segment.end);
  }
  return ranges;
}

}  // namespace

at::Tensor packed_attention(const at::Tensor& qkv, const at::Tensor& cos, const at::Tensor& sin, const PackedBatch& batch, const AttentionShape& shape) {
  return reference::packed_attention(qkv, cos, sin, document_ranges(batch), shape);
}

void store_keys_values(const at::Tensor& qkv, const at::Tensor& cos, const at::Tensor& sin, const PackedBatch& batch, const std::vector<std::int64_t>& sequences,
                       const AttentionShape& shape, KeyValueCache& cache) {
  reference::store_keys_values(qkv, cos, sin, document_ranges(batch), batch.positions, sequences, shape, cache);
}

at::Tensor decode_attention(const at::Tensor& qkv, const at::Tensor& cos, const at::Tensor& sin, const std::vector<std::int64_t>& sequences,
                            const std::vector<std::int64_t>& lengths, const AttentionShape& shape, KeyValueCache& cache) {
  return reference::decode_attention(qkv, cos, sin, sequences, lengths, shape, cache);
}

}  // namespace phidias::kernels
