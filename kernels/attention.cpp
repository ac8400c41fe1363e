#include "kernels/attention.h"

#include <ATen/Parallel.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/empty_like.h>

#include <algorithm>

#include "kernels/attention_context.h"
#include "kernels/attention_cuda.h"
#include "kernels/autograd.h"
#include "kernels/cpu/dispatch.h"
#include "kernels/cuda_backend.h"
#include "kernels/reference/reference.h"

namespace phidias::kernels {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;
using Ranges = std::vector<std::int64_t>;  // [begin, end) pairs of the documents, flattened

Ranges document_ranges(const PackedBatch& batch) {
  Ranges ranges;
  for (const data::Segment& segment : batch.segments) {
    refuse_shared_prompt(segment);
    ranges.push_back(segment.begin);
    ranges.push_back(segment.end);
  }
  return ranges;
}

// One task per document and key/value head, the most expensive first. Forward tasks take `query_rows` queries of a document at a time:
// every row is computed alone, so that the division never changes a result.
std::vector<cpu::AttentionTask> make_tasks(const Ranges& documents, std::int64_t kv_heads, std::int64_t query_rows) {
  std::vector<cpu::AttentionTask> tasks;
  for (std::size_t d = 0; d + 1 < documents.size(); d += 2) {
    const std::int64_t begin = documents[d], end = documents[d + 1], length = end - begin;
    for (std::int64_t query = 0; query < length; query += query_rows) {
      for (std::int64_t head = 0; head < kv_heads; ++head) tasks.push_back({begin, end, head, query, std::min(query + query_rows, length)});
    }
  }
  std::stable_sort(tasks.begin(), tasks.end(), [](const cpu::AttentionTask& a, const cpu::AttentionTask& b) {
    return (a.query_end - a.query_begin) * a.query_end > (b.query_end - b.query_begin) * b.query_end;
  });
  return tasks;
}

std::int64_t longest_document(const Ranges& documents) {
  std::int64_t longest = 0;
  for (std::size_t d = 0; d + 1 < documents.size(); d += 2) longest = std::max(longest, documents[d + 1] - documents[d]);
  return longest;
}

// The fast path's view of a call; owns the scratch memory and the task list.
struct CpuCall {
  CpuCall(const at::Tensor& qkv, const at::Tensor& cos, const at::Tensor& sin, const Ranges& documents, const AttentionShape& shape, bool divide_queries)
      : threads(cpu::team_size(qkv.numel())) {
    const std::int64_t longest = longest_document(documents), parts = static_cast<std::int64_t>(documents.size()) / 2 * shape.kv_heads;
    // With few documents and heads their queries are divided too; at the kernel's own boundaries, so that the results stay the same.
    const bool few = divide_queries && threads > 1 && parts < 4 * threads;
    const std::int64_t block = std::max<std::int64_t>(shape.sparse.block_size, 1), blocks = (4 * cpu::kQueryBlock + block - 1) / block;
    const std::int64_t query_rows = few ? blocks * block : std::max<std::int64_t>(longest, 1);
    tasks = make_tasks(documents, shape.kv_heads, query_rows);
    const std::int64_t stride = cpu::attention_scratch(longest, shape.head_dim);
    scratch = at::empty({threads * stride}, qkv.options().dtype(at::kFloat));
    problem = {.qkv = qkv.const_data_ptr(),
               .cos = cos.const_data_ptr<float>(),
               .sin = sin.const_data_ptr<float>(),
               .tokens = qkv.size(0),
               .heads = shape.heads,
               .kv_heads = shape.kv_heads,
               .head_dim = shape.head_dim,
               .rotary_half = cos.size(1),
               .window = shape.window,
               .grouped = shape.layout == QkvLayout::grouped,
               .sparse = shape.sparse,
               .scale = static_cast<float>(shape.scale),
               .tasks = tasks.data(),
               .task_count = static_cast<std::int64_t>(tasks.size()),
               .scratch = scratch.mutable_data_ptr<float>(),
               .scratch_stride = stride,
               .threads = threads};
  }
  int threads;
  std::vector<cpu::AttentionTask> tasks;
  at::Tensor scratch;
  cpu::AttentionProblem problem;
};

bool fits_cpu(const at::Tensor& qkv, const at::Tensor& cos, const at::Tensor& sin) {
  return cpu::covers({qkv}) && cpu::covers({cos, sin}) && cos.scalar_type() == at::kFloat;
}

std::pair<at::Tensor, at::Tensor> forward_blocks(const at::Tensor& qkv, const at::Tensor& cos, const at::Tensor& sin, const Ranges& documents,
                                                 const AttentionShape& shape) {
  const CpuCall call(qkv, cos, sin, documents, shape, true);
  const at::Tensor out = at::empty({qkv.size(0), shape.heads * shape.head_dim}, qkv.options());
  const at::Tensor lse = at::empty({shape.heads, qkv.size(0)}, qkv.options().dtype(at::kFloat));
  cpu::kernels_for(qkv.scalar_type()).attention(call.problem, out.mutable_data_ptr(), lse.mutable_data_ptr<float>());
  return {out, lse};
}

struct PackedAttention : torch::autograd::Function<PackedAttention> {
  static at::Tensor forward(AutogradContext* ctx, const at::Tensor& qkv, const at::Tensor& cos, const at::Tensor& sin, const Ranges& documents,
                            const AttentionShape& shape) {
    auto [out, lse] = forward_blocks(qkv, cos, sin, documents, shape);
    ctx->save_for_backward({qkv, cos, sin, out, lse});
    ctx->saved_data["documents"] = documents;
    save_shape(ctx, shape);
    return out;
  }
  static variable_list backward(AutogradContext* ctx, const variable_list& gradients) {
    const variable_list saved = ctx->get_saved_variables();
    const at::Tensor &qkv = saved[0], d_out = gradients[0].contiguous(), d_qkv = at::empty_like(qkv);
    const CpuCall call(qkv, saved[1], saved[2], ctx->saved_data["documents"].toIntVector(), saved_shape(ctx), false);
    cpu::kernels_for(qkv.scalar_type())
        .attention_backward(call.problem, saved[3].const_data_ptr(), saved[4].const_data_ptr<float>(), d_out.const_data_ptr(), d_qkv.mutable_data_ptr());
    return {d_qkv, at::Tensor(), at::Tensor(), at::Tensor(), at::Tensor()};
  }
};

}  // namespace

at::Tensor packed_attention(const at::Tensor& qkv, const at::Tensor& cos, const at::Tensor& sin, const PackedBatch& batch, const AttentionShape& shape) {
  if (on_cuda(qkv)) return packed_attention_cuda(qkv, cos, sin, batch, shape);
  const Ranges documents = document_ranges(batch);
  if (!fits_cpu(qkv, cos, sin)) return reference::packed_attention(qkv, cos, sin, documents, shape);
  if (!records_gradients()) return forward_blocks(qkv, cos, sin, documents, shape).first;
  return PackedAttention::apply(qkv, cos, sin, documents, shape);
}

void store_keys_values(const at::Tensor& qkv, const at::Tensor& cos, const at::Tensor& sin, const PackedBatch& batch,
                       const std::vector<std::int64_t>& sequences, const AttentionShape& shape, KeyValueCache& cache) {
  if (on_cuda(qkv)) return store_keys_values_cuda(qkv, cos, sin, batch, sequences, shape, cache);
  reference::store_keys_values(qkv, cos, sin, document_ranges(batch), batch.positions, sequences, shape, cache);
}

at::Tensor decode_attention(const at::Tensor& qkv, const at::Tensor& cos, const at::Tensor& sin, const std::vector<std::int64_t>& sequences,
                            const std::vector<std::int64_t>& lengths, const AttentionShape& shape, KeyValueCache& cache) {
  if (on_cuda(qkv)) return decode_attention_cuda(qkv, cos, sin, sequences, lengths, shape, cache);
  if (!fits_cpu(qkv, cos, sin) || !cpu::covers({qkv, cache.keys, cache.values}))
    return reference::decode_attention(qkv, cos, sin, sequences, lengths, shape, cache);
  const std::int64_t count = qkv.size(0), longest = count == 0 ? 0 : *std::max_element(lengths.begin(), lengths.end()) + 1;
  const at::Tensor out = at::empty({count, shape.heads * shape.head_dim}, qkv.options());
  const int threads = cpu::team_size(count * longest * shape.heads * shape.head_dim);
  constexpr std::int64_t kCacheLine = 64;
  const std::int64_t stride = longest + 2 * shape.head_dim + kCacheLine;
  const at::Tensor scratch = at::empty({threads * stride}, qkv.options().dtype(at::kFloat));
  cpu::kernels_for(qkv.scalar_type())
      .decode_attention({.qkv = qkv.const_data_ptr(),
                         .cos = cos.const_data_ptr<float>(),
                         .sin = sin.const_data_ptr<float>(),
                         .slots = sequences.data(),
                         .lengths = lengths.data(),
                         .sequences = count,
                         .heads = shape.heads,
                         .kv_heads = shape.kv_heads,
                         .head_dim = shape.head_dim,
                         .rotary_half = cos.size(1),
                         .window = shape.window,
                         .capacity = cache.keys.size(2),
                         .grouped = shape.layout == QkvLayout::grouped,
                         .sparse = shape.sparse,
                         .scale = static_cast<float>(shape.scale),
                         .keys = cache.keys.mutable_data_ptr(),
                         .values = cache.values.mutable_data_ptr(),
                         .out = out.mutable_data_ptr(),
                         .scratch = scratch.mutable_data_ptr<float>(),
                         .scratch_stride = stride,
                         .threads = threads});
  return out;
}

}  // namespace phidias::kernels
