// Attention with a block-sparse pattern on rotated rows: forward, and the gradients of queries, keys and values.
//
// A block of threads takes a tile of 32 rows (queries; in the second gradient kernel: keys) and walks over the tiles of the other side that the pattern
// shows, so that masked blocks are neither read nor computed. Eight threads share a row: each has 4 of the 32 scores and every 8th value of the head.
// Arithmetic is float32; results are deterministic: nothing is added by atomics.
//   forward:   running maximum and sum of the softmax per row; the log-sum-exp is kept.
//   backward:  P = exp(S - lse), dS = P (dO V^T - delta), delta = dO . O;  dQ = scale dS K,  dK = dS^T (scale Q),  dV = P^T dO.
#include <algorithm>

#include "kernels/cuda/vector.cuh"

namespace phidias::kernels::cuda {
namespace {

constexpr int kTile = kSparseTile, kThreads = 256, kRowThreads = 8, kScores = kTile / kRowThreads, kScoreStride = kTile + 1;
static_assert(kTile * kRowThreads == kThreads);

// Rows of a document relative to its first: [first, first + count), all in one block of the pattern.
struct Tile {
  std::int64_t document, length;
  int first, count;
};
__device__ Tile read_tile(const SparseAttention& a, int index) {
  const std::int32_t* t = a.tiles + 4 * static_cast<std::int64_t>(index);
  return {t[0], t[1] - t[0], t[2] - t[0], t[3]};
}

__device__ bool sees(const BlockSparsePattern& p, std::int64_t head, std::int64_t query_block, std::int64_t key_block) {
  return key_block <= query_block && (query_block - key_block < p.local_blocks || (key_block + 1 + head * p.head_step) % p.vertical_stride == 0);
}
__device__ bool visible(const SparseAttention& a, int query, int key) { return key <= query && (a.window == 0 || query - key < a.window); }

// kTile rows of `dim` values, `stride` apart, into shared memory with one value between rows (other banks); rows from `count` on are 0.
template <typename T>
__device__ void load_rows(const T* from, std::int64_t stride, int count, int dim, float scale, float* to) {
  for (int i = threadIdx.x; i < kTile * dim; i += kThreads) {
    const int row = i / dim, column = i - row * dim;
    to[row * (dim + 1) + column] = row < count ? to_float(from[row * stride + column]) * scale : 0.0f;
  }
}
__device__ float dot(const float* a, const float* b, int dim) {
  float sum = 0.0f;
  for (int i = 0; i < dim; ++i) sum += a[i] * b[i];
  return sum;
}
// Over the eight threads of a row.
template <typename Op>
__device__ float row_reduce(float value, Op op) {
#pragma unroll
  for (int distance = kRowThreads / 2; distance > 0; distance /= 2) value = op(value, __shfl_xor_sync(0xffffffffu, value, distance));
  return value;
}
// sums[i] += sum over the other side's rows of weights[row] * rows[row][lane + 8 i].
template <int kValues>
__device__ void add_rows(const float* weights, const float* rows, int count, int dim, int lane, float (&sums)[kValues]) {
  for (int row = 0; row < count; ++row) {
    const float weight = weights[row];
#pragma unroll
    for (int i = 0; i < kValues; ++i) {
      const int column = lane + kRowThreads * i;
      if (column < dim) sums[i] += weight * rows[row * (dim + 1) + column];
    }
  }
}
template <int kValues, typename T>
__device__ void write_row(const float (&sums)[kValues], float factor, int dim, int lane, T* to) {
#pragma unroll
  for (int i = 0; i < kValues; ++i) {
    const int column = lane + kRowThreads * i;
    if (column < dim) to[column] = from_float<T>(sums[i] * factor);
  }
}

// Calls body(first key, count) for every tile of keys that the queries of a tile see.
template <typename Body>
__device__ void for_key_tiles(const SparseAttention& a, const Tile& queries, int head, Body body) {
  const int block_size = static_cast<int>(a.pattern.block_size), end = queries.first + queries.count, query_block = queries.first / block_size;
  for (int block = 0; block <= query_block; ++block) {
    if (!sees(a.pattern, head, query_block, block)) continue;
    const int block_end = min((block + 1) * block_size, end);
    for (int key = block * block_size; key < block_end; key += kTile) body(key, min(kTile, block_end - key));
  }
}

template <typename T, int kValues>
__global__ void __launch_bounds__(kThreads) forward_kernel(SparseAttention a, T* out, float* lse) {
  extern __shared__ float memory[];
  const int dim = a.head_dim, head = blockIdx.y, kv_head = head / (a.heads / a.kv_heads), row = threadIdx.x / kRowThreads, lane = threadIdx.x % kRowThreads;
  const Tile tile = read_tile(a, blockIdx.x);
  const std::int64_t width = static_cast<std::int64_t>(a.heads + 2 * a.kv_heads) * dim;
  const T* rows = static_cast<const T*>(a.rotated) + tile.document * width;
  float *queries = memory, *keys = queries + kTile * (dim + 1), *values = keys + kTile * (dim + 1), *weights = values + kTile * (dim + 1) + row * kScoreStride;
  load_rows(rows + tile.first * width + head * dim, width, tile.count, dim, a.scale, queries);

  float maximum = -INFINITY, sum = 0.0f, sums[kValues] = {};
  for_key_tiles(a, tile, head, [&](int first, int count) {
    __syncthreads();  // the previous tile has been used
    load_rows(rows + first * width + (a.heads + kv_head) * dim, width, count, dim, 1.0f, keys);
    load_rows(rows + first * width + (a.heads + a.kv_heads + kv_head) * dim, width, count, dim, 1.0f, values);
    __syncthreads();
    float scores[kScores], highest = maximum;
#pragma unroll
    for (int s = 0; s < kScores; ++s) {
      const int key = lane + kRowThreads * s;
      const bool seen = key < count && visible(a, tile.first + row, first + key);
      scores[s] = seen ? dot(queries + row * (dim + 1), keys + key * (dim + 1), dim) : -INFINITY;
      highest = fmaxf(highest, scores[s]);
    }
    highest = row_reduce(highest, Max{});
    const bool any = highest > -INFINITY;  // a window may hide a whole tile from a row
    const float correction = any ? expf(maximum - highest) : 1.0f;
    float total = 0.0f;
#pragma unroll
    for (int s = 0; s < kScores; ++s) {
      const float weight = any ? expf(scores[s] - highest) : 0.0f;
      weights[lane + kRowThreads * s] = weight;
      total += weight;
    }
    sum = sum * correction + row_reduce(total, Add{});
    maximum = highest;
#pragma unroll
    for (int i = 0; i < kValues; ++i) sums[i] *= correction;
    __syncwarp();
    add_rows(weights, values, count, dim, lane, sums);
  });
  if (row >= tile.count) return;
  const std::int64_t token = tile.document + tile.first + row;
  write_row(sums, 1.0f / sum, dim, lane, out + (token * a.heads + head) * dim);
  if (lane == 0) lse[head * a.tokens + token] = maximum + logf(sum);
}

// delta [heads, tokens] = dO . O; a warp per row of a head.
template <typename T>
__global__ void __launch_bounds__(kThreads) delta_kernel(const T* out, const T* d_out, std::int64_t tokens, int heads, int dim, float* delta) {
  const std::int64_t index = static_cast<std::int64_t>(blockIdx.x) * (kThreads / 32) + threadIdx.x / 32;
  if (index >= tokens * heads) return;
  float sum = 0.0f;
  for (int i = threadIdx.x % 32; i < dim; i += 32) sum += to_float(out[index * dim + i]) * to_float(d_out[index * dim + i]);
  sum = warp_reduce(sum, Add{});
  if (threadIdx.x % 32 == 0) delta[index % heads * tokens + index / heads] = sum;
}

template <typename T, int kValues>
__global__ void __launch_bounds__(kThreads) query_gradient_kernel(SparseAttention a, const float* lse, const float* delta, const T* d_out, T* d_rotated) {
  extern __shared__ float memory[];
  const int dim = a.head_dim, head = blockIdx.y, kv_head = head / (a.heads / a.kv_heads), row = threadIdx.x / kRowThreads, lane = threadIdx.x % kRowThreads;
  const Tile tile = read_tile(a, blockIdx.x);
  const std::int64_t width = static_cast<std::int64_t>(a.heads + 2 * a.kv_heads) * dim, out_width = static_cast<std::int64_t>(a.heads) * dim;
  const T* rows = static_cast<const T*>(a.rotated) + tile.document * width;
  const std::int64_t token = tile.document + tile.first + row;
  float *queries = memory, *incoming = queries + kTile * (dim + 1), *keys = incoming + kTile * (dim + 1), *values = keys + kTile * (dim + 1),
        *d_scores = values + kTile * (dim + 1) + row * kScoreStride;
  load_rows(rows + tile.first * width + head * dim, width, tile.count, dim, a.scale, queries);
  load_rows(d_out + (tile.document + tile.first) * out_width + head * dim, out_width, tile.count, dim, 1.0f, incoming);
  const float row_lse = row < tile.count ? lse[head * a.tokens + token] : 0.0f, row_delta = row < tile.count ? delta[head * a.tokens + token] : 0.0f;

  float sums[kValues] = {};
  for_key_tiles(a, tile, head, [&](int first, int count) {
    __syncthreads();
    load_rows(rows + first * width + (a.heads + kv_head) * dim, width, count, dim, 1.0f, keys);
    load_rows(rows + first * width + (a.heads + a.kv_heads + kv_head) * dim, width, count, dim, 1.0f, values);
    __syncthreads();
#pragma unroll
    for (int s = 0; s < kScores; ++s) {
      const int key = lane + kRowThreads * s;
      float d_score = 0.0f;
      if (row < tile.count && key < count && visible(a, tile.first + row, first + key)) {
        const float weight = expf(dot(queries + row * (dim + 1), keys + key * (dim + 1), dim) - row_lse);
        d_score = weight * (dot(incoming + row * (dim + 1), values + key * (dim + 1), dim) - row_delta);
      }
      d_scores[key] = d_score;
    }
    __syncwarp();
    add_rows(d_scores, keys, count, dim, lane, sums);
  });
  if (row < tile.count) write_row(sums, a.scale, dim, lane, d_rotated + token * width + head * dim);
}

template <typename T, int kValues>
__global__ void __launch_bounds__(kThreads) key_gradient_kernel(SparseAttention a, const float* lse, const float* delta, const T* d_out, T* d_rotated) {
  extern __shared__ float memory[];
  const int dim = a.head_dim, kv_head = blockIdx.y, group = a.heads / a.kv_heads, row = threadIdx.x / kRowThreads, lane = threadIdx.x % kRowThreads;
  const Tile tile = read_tile(a, blockIdx.x);
  const std::int64_t width = static_cast<std::int64_t>(a.heads + 2 * a.kv_heads) * dim, out_width = static_cast<std::int64_t>(a.heads) * dim;
  const T* rows = static_cast<const T*>(a.rotated) + tile.document * width;
  float *keys = memory, *values = keys + kTile * (dim + 1), *queries = values + kTile * (dim + 1), *incoming = queries + kTile * (dim + 1),
        *all_weights = incoming + kTile * (dim + 1), *weights = all_weights + row * kScoreStride, *d_scores = weights + kTile * kScoreStride;
  load_rows(rows + tile.first * width + (a.heads + kv_head) * dim, width, tile.count, dim, 1.0f, keys);
  load_rows(rows + tile.first * width + (a.heads + a.kv_heads + kv_head) * dim, width, tile.count, dim, 1.0f, values);

  const int block_size = static_cast<int>(a.pattern.block_size), length = static_cast<int>(tile.length), key_block = tile.first / block_size;
  float d_key[kValues] = {}, d_value[kValues] = {};
  for (int head = kv_head * group; head < (kv_head + 1) * group; ++head) {
    for (int block = key_block; block * block_size < length; ++block) {
      if (!sees(a.pattern, head, block, key_block)) continue;
      const int block_end = min((block + 1) * block_size, length);
      for (int first = max(block * block_size, tile.first); first < block_end; first += kTile) {
        const int count = min(kTile, block_end - first);
        const std::int64_t token = tile.document + first;
        __syncthreads();
        load_rows(rows + first * width + head * dim, width, count, dim, a.scale, queries);
        load_rows(d_out + token * out_width + head * dim, out_width, count, dim, 1.0f, incoming);
        __syncthreads();
#pragma unroll
        for (int s = 0; s < kScores; ++s) {
          const int query = lane + kRowThreads * s;
          float weight = 0.0f, d_score = 0.0f;
          if (row < tile.count && query < count && visible(a, first + query, tile.first + row)) {
            weight = expf(dot(queries + query * (dim + 1), keys + row * (dim + 1), dim) - lse[head * a.tokens + token + query]);
            d_score = weight * (dot(incoming + query * (dim + 1), values + row * (dim + 1), dim) - delta[head * a.tokens + token + query]);
          }
          weights[query] = weight;
          d_scores[query] = d_score;
        }
        __syncwarp();
        add_rows(d_scores, queries, count, dim, lane, d_key);
        add_rows(weights, incoming, count, dim, lane, d_value);
      }
    }
  }
  if (row >= tile.count) return;
  T* target = d_rotated + (tile.document + tile.first + row) * width;
  write_row(d_key, 1.0f, dim, lane, target + (a.heads + kv_head) * dim);
  write_row(d_value, 1.0f, dim, lane, target + (a.heads + a.kv_heads + kv_head) * dim);
}

std::size_t shared_bytes(int tiles, int score_tiles, int dim) {
  return sizeof(float) * (static_cast<std::size_t>(tiles) * kTile * (dim + 1) + static_cast<std::size_t>(score_tiles) * kTile * kScoreStride);
}

template <typename Kernel, typename... Arguments>
cudaError_t launch(Kernel kernel, dim3 grid, std::size_t bytes, cudaStream_t stream, Arguments... arguments) {
  const cudaError_t error = cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, static_cast<int>(bytes));
  if (error != cudaSuccess) return error;
  kernel<<<grid, kThreads, bytes, stream>>>(arguments...);
  return cudaGetLastError();
}

// Values of a head that a thread holds, as a compile-time number.
template <typename Function>
cudaError_t with_values(int dim, Function function) {
  if (dim <= 8 * kRowThreads) return function.template operator()<8>();
  if (dim <= 16 * kRowThreads) return function.template operator()<16>();
  if (dim <= 32 * kRowThreads) return function.template operator()<32>();
  return cudaErrorInvalidValue;
}

}  // namespace

cudaError_t block_sparse_forward(Element type, const SparseAttention& a, void* out, float* lse, cudaStream_t stream) {
  if (a.tile_count == 0) return cudaSuccess;
  const dim3 grid(static_cast<unsigned>(a.tile_count), static_cast<unsigned>(a.heads));
  return with_type(type, [&](auto tag) {
    using T = decltype(tag);
    return with_values(a.head_dim, [&]<int kValues>() {
      return launch(forward_kernel<T, kValues>, grid, shared_bytes(3, 1, a.head_dim), stream, a, static_cast<T*>(out), lse);
    });
  });
}

cudaError_t block_sparse_backward(Element type, const SparseAttention& a, const void* out, const float* lse, const void* d_out, float* delta, void* d_rotated,
                                  cudaStream_t stream) {
  if (a.tile_count == 0) return cudaSuccess;
  const dim3 query_grid(static_cast<unsigned>(a.tile_count), static_cast<unsigned>(a.heads));
  const dim3 key_grid(static_cast<unsigned>(a.tile_count), static_cast<unsigned>(a.kv_heads));
  return with_type(type, [&](auto tag) {
    using T = decltype(tag);
    const T* incoming = static_cast<const T*>(d_out);
    T* target = static_cast<T*>(d_rotated);
    const auto blocks = static_cast<unsigned>(divide_up(a.tokens * a.heads, kThreads / 32));
    delta_kernel<T><<<blocks, kThreads, 0, stream>>>(static_cast<const T*>(out), incoming, a.tokens, a.heads, a.head_dim, delta);
    return with_values(a.head_dim, [&]<int kValues>() {
      const std::size_t bytes = shared_bytes(4, 2, a.head_dim);
      const cudaError_t error =
          launch(query_gradient_kernel<T, kValues>, query_grid, bytes, stream, a, lse, static_cast<const float*>(delta), incoming, target);
      if (error != cudaSuccess) return error;
      return launch(key_gradient_kernel<T, kValues>, key_grid, bytes, stream, a, lse, static_cast<const float*>(delta), incoming, target);
    });
  });
}

}  // namespace phidias::kernels::cuda
