// One new token per sequence against a cache of keys and values.
//
// A block takes one sequence, one group of query heads that share a key head, and one split of the keys. It walks over tiles of 128 keys:
//   scores: thread t reads key t and multiplies it with every query head of the group (queries in shared memory);
//   softmax: online, the running maximum and sum per head are kept by all threads;
//   values: the threads form lanes of head_dim / kVec packs; lane l adds the values of keys l, l + lanes, ...
// At the end the lanes are joined in order. With more than one split the partial results are joined by a second kernel.
#include <algorithm>

#include "kernels/cuda/vector.cuh"

namespace phidias::kernels::cuda {
namespace {

constexpr int kThreads = 128;
constexpr int kMaxGroup = 8;

template <typename T>
__global__ void append_kernel(const T* rotated, DecodeRows where, CacheShape shape, T* keys, T* values) {
  const int width = shape.kv_heads * shape.head_dim;
  const std::int64_t slot = where.slot[blockIdx.x], position = where.length[blockIdx.x];
  const T* row = rotated + static_cast<std::int64_t>(blockIdx.x) * (shape.heads + 2 * shape.kv_heads) * shape.head_dim + shape.heads * shape.head_dim;
  for (int i = threadIdx.x; i < 2 * width; i += blockDim.x) {
    const int head = (i % width) / shape.head_dim, element = i % shape.head_dim;
    const std::int64_t to = ((slot * shape.kv_heads + head) * shape.capacity + position) * shape.head_dim + element;
    (i < width ? keys : values)[to] = row[i];
  }
}

struct DecodeArguments {
  CacheShape shape;
  std::int64_t window;
  BlockSparsePattern sparse;
  float scale;
  int splits, head_groups;  // blocks per key head
  float* workspace;         // [rows, heads, splits, head_dim + 2]: weighted values, maximum, sum
};

// Whether head `head` of the newest token, in block `query_block`, sees an earlier key.
__device__ bool sees(const BlockSparsePattern& p, std::int64_t head, std::int64_t query_block, std::int64_t key) {
  if (p.block_size == 0) return true;
  const std::int64_t key_block = key / p.block_size;
  return query_block - key_block < p.local_blocks || (key_block + 1 + head * p.head_step) % p.vertical_stride == 0;
}

// Shared memory: queries [kGroup, head_dim], probabilities [kGroup, kThreads], then the lanes' sums [lanes, kGroup, head_dim].
template <typename T, int kVec, int kGroup>
__global__ void __launch_bounds__(kThreads, 2) decode_kernel(const T* rotated, DecodeRows where, DecodeArguments a, const T* keys, const T* values, T* out) {
  extern __shared__ float memory[];
  __shared__ float reduction[32];
  const CacheShape& shape = a.shape;
  const int dim = shape.head_dim, group_size = shape.heads / shape.kv_heads, row = blockIdx.y, split = blockIdx.z;
  const int kv_head = blockIdx.x / a.head_groups, first = (blockIdx.x % a.head_groups) * kGroup, members = min(kGroup, group_size - first);
  const int head = kv_head * group_size + first;
  float *queries = memory, *probabilities = queries + kGroup * dim, *lane_sums = probabilities + kGroup * kThreads;

  const T* query_row = rotated + static_cast<std::int64_t>(row) * (shape.heads + 2 * shape.kv_heads) * dim + head * dim;
  for (int i = threadIdx.x; i < kGroup * dim; i += kThreads) queries[i] = i < members * dim ? to_float(query_row[i]) * a.scale : 0.0f;
  __syncthreads();

  const std::int64_t end = where.length[row] + 1, begin = a.window > 0 && end > a.window ? end - a.window : 0;
  const std::int64_t query_block = a.sparse.block_size > 0 ? where.length[row] / a.sparse.block_size : 0;
  const std::int64_t share = (end - begin + a.splits - 1) / a.splits;
  const std::int64_t from = begin + share * split, to = min(from + share, end);
  const std::int64_t base = (static_cast<std::int64_t>(where.slot[row]) * shape.kv_heads + kv_head) * shape.capacity * dim;
  const int packs = dim / kVec, lanes = kThreads / packs, pack = threadIdx.x % packs, lane = threadIdx.x / packs;

  float maximum[kGroup], sum[kGroup], weighted[kGroup][kVec];
#pragma unroll
  for (int g = 0; g < kGroup; ++g) {
    maximum[g] = -INFINITY;
    sum[g] = 0.0f;
#pragma unroll
    for (int i = 0; i < kVec; ++i) weighted[g][i] = 0.0f;
  }
  for (std::int64_t tile = from; tile < to; tile += kThreads) {
    const int count = static_cast<int>(min(static_cast<std::int64_t>(kThreads), to - tile));
    float score[kGroup];
    bool seen[kGroup], seen_by_any = false;
#pragma unroll
    for (int g = 0; g < kGroup; ++g) {
      score[g] = 0.0f;
      seen[g] = static_cast<int>(threadIdx.x) < count && sees(a.sparse, head + g, query_block, tile + threadIdx.x);
      seen_by_any = seen_by_any || seen[g];
    }
    if (seen_by_any) {
      const T* key = keys + base + (tile + threadIdx.x) * dim;
      for (int p = 0; p < packs; ++p) {
        float k[kVec];
        load(key + p * kVec, k);
#pragma unroll
        for (int g = 0; g < kGroup; ++g) {
#pragma unroll
          for (int i = 0; i < kVec; ++i) score[g] += k[i] * queries[g * dim + p * kVec + i];
        }
      }
    }
#pragma unroll
    for (int g = 0; g < kGroup; ++g) {
      if (!seen[g]) score[g] = -INFINITY;
      const float highest = fmaxf(maximum[g], block_reduce(score[g], -INFINITY, reduction, Max{}));
      const bool any = highest > -INFINITY;  // a pattern may hide all keys so far
      const float factor = any ? expf(maximum[g] - highest) : 1.0f, probability = any ? expf(score[g] - highest) : 0.0f;
      maximum[g] = highest;
      probabilities[g * kThreads + threadIdx.x] = probability;
      sum[g] = sum[g] * factor + block_reduce(probability, 0.0f, reduction, Add{});
#pragma unroll
      for (int i = 0; i < kVec; ++i) weighted[g][i] *= factor;
    }
    __syncthreads();
    if (lane < lanes) {
      for (int key = lane; key < count; key += lanes) {
        if (a.sparse.block_size > 0) {
          float most = 0.0f;
#pragma unroll
          for (int g = 0; g < kGroup; ++g) most = fmaxf(most, probabilities[g * kThreads + key]);
          if (most == 0.0f) continue;  // a masked block's values are not read
        }
        float v[kVec];
        load(values + base + (tile + key) * dim + pack * kVec, v);
#pragma unroll
        for (int g = 0; g < kGroup; ++g) {
#pragma unroll
          for (int i = 0; i < kVec; ++i) weighted[g][i] += probabilities[g * kThreads + key] * v[i];
        }
      }
    }
    __syncthreads();
  }

  if (lane < lanes) {
#pragma unroll
    for (int g = 0; g < kGroup; ++g) {
#pragma unroll
      for (int i = 0; i < kVec; ++i) lane_sums[(lane * kGroup + g) * dim + pack * kVec + i] = weighted[g][i];
    }
  }
  __syncthreads();
  for (int i = threadIdx.x; i < members * dim; i += kThreads) {
    float total = 0.0f;
    for (int l = 0; l < lanes; ++l) total += lane_sums[l * kGroup * dim + i];
    const int g = i / dim;
    float head_sum = 0.0f, head_maximum = 0.0f;
#pragma unroll
    for (int m = 0; m < kGroup; ++m) {
      if (m == g) {
        head_sum = sum[m];
        head_maximum = maximum[m];
      }
    }
    if (a.splits == 1) {
      out[(static_cast<std::int64_t>(row) * shape.heads + head) * dim + i] = from_float<T>(total / head_sum);
      continue;
    }
    float* part = a.workspace + ((static_cast<std::int64_t>(row) * shape.heads + head + g) * a.splits + split) * (dim + 2);
    part[i - g * dim] = total;
    if (i == g * dim) {
      part[dim] = head_maximum;
      part[dim + 1] = head_sum;
    }
  }
}

template <typename T>
__global__ void join_kernel(const float* workspace, int dim, int splits, T* out) {
  const float* parts = workspace + static_cast<std::int64_t>(blockIdx.x) * splits * (dim + 2);
  float highest = -INFINITY, sum = 0.0f;
  for (int s = 0; s < splits; ++s) highest = fmaxf(highest, parts[s * (dim + 2) + dim]);
  for (int s = 0; s < splits; ++s) sum += parts[s * (dim + 2) + dim + 1] * expf(parts[s * (dim + 2) + dim] - highest);
  for (int i = threadIdx.x; i < dim; i += blockDim.x) {
    float total = 0.0f;
    for (int s = 0; s < splits; ++s) total += parts[s * (dim + 2) + i] * expf(parts[s * (dim + 2) + dim] - highest);
    out[static_cast<std::int64_t>(blockIdx.x) * dim + i] = from_float<T>(total / sum);
  }
}

template <typename T, int kVec, int kGroup>
cudaError_t launch(const void* rotated, const DecodeRows& where, int rows, DecodeArguments a, const void* keys, const void* values, void* out,
                   cudaStream_t stream) {
  const int group_size = a.shape.heads / a.shape.kv_heads, dim = a.shape.head_dim, lanes = kThreads / (dim / kVec);
  a.head_groups = static_cast<int>(divide_up(group_size, kGroup));
  const std::size_t shared_bytes = sizeof(float) * kGroup * (dim + kThreads + static_cast<std::size_t>(lanes) * dim);
  const dim3 grid(static_cast<unsigned>(a.shape.kv_heads * a.head_groups), static_cast<unsigned>(rows), static_cast<unsigned>(a.splits));
  decode_kernel<T, kVec, kGroup><<<grid, kThreads, shared_bytes, stream>>>(static_cast<const T*>(rotated), where, a, static_cast<const T*>(keys),
                                                                           static_cast<const T*>(values), static_cast<T*>(out));
  return cudaGetLastError();
}

template <typename T, int kVec>
cudaError_t launch_group(const void* rotated, const DecodeRows& where, int rows, const DecodeArguments& a, const void* keys, const void* values, void* out,
                         cudaStream_t stream) {
  if (a.shape.head_dim % kVec != 0 || a.shape.head_dim / kVec > kThreads) return cudaErrorInvalidValue;
  const int group_size = a.shape.heads / a.shape.kv_heads;
  if (group_size == 1) return launch<T, kVec, 1>(rotated, where, rows, a, keys, values, out, stream);
  if (group_size == 2) return launch<T, kVec, 2>(rotated, where, rows, a, keys, values, out, stream);
  if (group_size <= 4) return launch<T, kVec, 4>(rotated, where, rows, a, keys, values, out, stream);
  return launch<T, kVec, kMaxGroup>(rotated, where, rows, a, keys, values, out, stream);
}

}  // namespace

int decode_splits(int rows, const CacheShape& shape, std::int64_t longest) {
  constexpr std::int64_t kEnoughBlocks = 4 * 132, kKeysPerSplit = 2 * kThreads, kMostSplits = 64;
  const std::int64_t blocks = std::max<std::int64_t>(1, static_cast<std::int64_t>(rows) * shape.kv_heads);
  const std::int64_t wanted = std::min({divide_up(kEnoughBlocks, blocks), divide_up(longest, kKeysPerSplit), kMostSplits});
  return static_cast<int>(std::max<std::int64_t>(1, wanted));
}

cudaError_t decode_attention(Element type, const void* rotated, const DecodeRows& where, int rows, const CacheShape& shape, std::int64_t window,
                             const BlockSparsePattern& sparse, float scale, int splits, void* keys, void* values, float* workspace, void* out,
                             cudaStream_t stream) {
  if (rows == 0) return cudaSuccess;
  const DecodeArguments arguments{shape, window, sparse, scale, splits, 1, workspace};
  return with_type(type, [&](auto tag) {
    using T = decltype(tag);
    append_kernel<T><<<rows, 128, 0, stream>>>(static_cast<const T*>(rotated), where, shape, static_cast<T*>(keys), static_cast<T*>(values));
    const bool wide = shape.head_dim % kWide<T> == 0 && aligned(keys) && aligned(values);
    const cudaError_t error = wide ? launch_group<T, kWide<T>>(rotated, where, rows, arguments, keys, values, out, stream)
                                   : launch_group<T, 1>(rotated, where, rows, arguments, keys, values, out, stream);
    if (error != cudaSuccess || splits == 1) return error;
    join_kernel<T><<<rows * shape.heads, 64, 0, stream>>>(workspace, shape.head_dim, splits, static_cast<T*>(out));
    return cudaGetLastError();
  });
}

}  // namespace phidias::kernels::cuda
