// The GPU side of the program, reached without linking CUDA.
//
// Everything CUDA lives in the plug-in libphidias_cuda.so beside the program. cuda_backend() loads it once, and only where libcuda finds
// a device; from then on at:: operations work on CUDA tensors (libtorch_cuda registers itself) and the project's own kernels are reached
// through the class below. Ask for it before the first use of a CUDA tensor and before the first backward pass of the process: autograd
// fixes its device threads, and torch its CUDA hooks, when they are first needed.
//
//   if (CudaBackend* cuda = cuda_backend()) cuda->set_device(world.local_rank() % cuda->device_count());
//   else log_info("no GPU: " + cuda_unavailable_reason());
//   ...
//   if (x.is_cuda()) require_cuda().swiglu_forward(gate_up, out);         // dispatch inside an operation
//
// All operations run on the calling thread's current stream and do not wait, but for those that return a number. Tensors are contiguous on one
// device unless a comment says otherwise; float32 or bfloat16 throughout ("T" below is the token count, 0 is allowed). None of them records a
// gradient: the operations of kernels/ (rms_norm.cpp ...) call them inside their autograd functions.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "kernels/adamw.h"
#include "kernels/attention.h"
#include "kernels/drawn_factor.h"
#include "kernels/sparse_mixer.h"
#include "parallel/communicator.h"
#include "parallel/device_memory.h"

namespace phidias::kernels {

struct CudaMemory {
  std::int64_t allocated_bytes = 0, peak_allocated_bytes = 0, reserved_bytes = 0;  // torch's caching allocator, this process
  std::int64_t free_bytes = 0, total_bytes = 0;                                    // the device, all processes
  std::int64_t allocation_retries = 0;
};

struct CudaDevice {
  std::string name;          // "NVIDIA H200"
  int major = 0, minor = 0;  // compute capability
  int multiprocessors = 0;
  std::int64_t total_bytes = 0;
};

// Raised with every change of the class below; a plug-in with another number is refused.
inline constexpr int kCudaInterface = 3;

class CudaBackend {
 public:
  virtual ~CudaBackend() = default;

  // Devices. Throw ConfigError for an index outside [0, device_count()).
  virtual int device_count() const = 0;
  virtual CudaDevice describe(int device) const = 0;
  virtual void set_device(int device) = 0;  // of the calling thread
  virtual int current_device() const = 0;
  virtual CudaMemory memory(int device) const = 0;
  virtual void reset_peak_memory(int device) = 0;
  virtual void release_cached_memory() = 0;
  virtual void synchronize() = 0;            // waits for the current stream
  virtual std::string versions() const = 0;  // "CUDA 13.0, driver 13.0, cuDNN 9.19.0, NCCL 2.28.9"
  // Runs `work` and returns the milliseconds between CUDA events around it on the current stream.
  virtual double measure_milliseconds(const std::function<void()>& work) = 0;

  // rms_norm.h. `update` may be undefined: then `sum` is unused and y = rms_norm(x). sum, y [T, H] are written, rstd [T] float32 too.
  virtual void rms_norm_forward(const at::Tensor& x, const at::Tensor& update, const at::Tensor& weight, double eps, at::Tensor& sum, at::Tensor& y,
                                at::Tensor& rstd) = 0;
  // x: what was normalised (the sum). dsum: gradient that reaches the sum directly, or undefined. dx [T, H] = d(sum) of both paths.
  // weight_gradient [H] float32 (undefined: frozen) becomes beta * weight_gradient + sum over rows, in an order fixed by T and the device.
  virtual void rms_norm_backward(const at::Tensor& dy, const at::Tensor& dsum, const at::Tensor& x, const at::Tensor& weight, const at::Tensor& rstd,
                                 at::Tensor& dx, at::Tensor& weight_gradient, double beta) = 0;

  // layer_norm.h, as rms_norm; statistics [T, 2] float32: mean, rstd.
  virtual void layer_norm_forward(const at::Tensor& x, const at::Tensor& update, const at::Tensor& weight, const at::Tensor& bias, double eps, at::Tensor& sum,
                                  at::Tensor& y, at::Tensor& statistics) = 0;
  virtual void layer_norm_backward(const at::Tensor& dy, const at::Tensor& dsum, const at::Tensor& x, const at::Tensor& weight, const at::Tensor& statistics,
                                   at::Tensor& dx, at::Tensor& weight_gradient, double weight_beta, at::Tensor& bias_gradient, double bias_beta) = 0;

  // y = x * factor, drawn per element (drawn_factor.h): the bits of the CPU kernel. draw_keys [T] int64.
  virtual void drawn_factor(const at::Tensor& x, const at::Tensor& draw_keys, const DrawnFactor& factor, at::Tensor& y) = 0;

  // sparse_mixer.h. scores [T, E] float32; draw_keys undefined: nothing is drawn; experts [T, 2] int64, weights [T, 2] float32. aux [E] or undefined.
  virtual void sparse_mixer(const at::Tensor& scores, const SparseMixerOptions& options, const at::Tensor& draw_keys, at::Tensor& experts,
                            at::Tensor& weights) = 0;
  virtual void sparse_mixer_backward(const at::Tensor& scores, const SparseMixerOptions& options, const at::Tensor& experts, const at::Tensor& d_weights,
                                     const at::Tensor& aux, at::Tensor& d_scores) = 0;

  // swiglu.h. gate_up [T, 2 I], out and dout [T, I].
  virtual void swiglu_forward(const at::Tensor& gate_up, at::Tensor& out) = 0;
  virtual void swiglu_backward(const at::Tensor& dout, const at::Tensor& gate_up, at::Tensor& dgate_up) = 0;

  // gegelu.h. gate_up [T, 2 I], out and dout [T, I].
  virtual void gegelu_forward(const at::Tensor& gate_up, double limit, at::Tensor& out) = 0;
  virtual void gegelu_backward(const at::Tensor& dout, const at::Tensor& gate_up, double limit, at::Tensor& dgate_up) = 0;

  // Rotates queries and keys and packs them with the values: q [T, heads, d] or, for grouped rows, [T, kv_heads, group, d]; k and v [T, kv_heads, d]; with
  // any token stride (the views of a packed qkv, or separate tensors) -> out [T, (heads + 2 kv_heads) d] in `layout`. inverse: the rotation's transpose,
  // which is its gradient. cos, sin [T, rotary_dim / 2]. out may be the very memory q, k and v are views of when their layout is the same.
  virtual void rotary_pack(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v, const at::Tensor& cos, const at::Tensor& sin, std::int64_t rotary_dim,
                           bool inverse, QkvLayout layout, at::Tensor& out) = 0;

  // attention.h with a pattern, on rotated rows in the separate layout. tiles [n, 4] int32 on the device, {document begin, document end, first row, rows}:
  // together all rows of the stream, each tile at most kSparseTile rows of one document and one block of the pattern. lse [heads, T] float32.
  static constexpr std::int64_t kSparseTile = 32;
  virtual void block_sparse_forward(const at::Tensor& rotated_qkv, const at::Tensor& tiles, const AttentionShape& shape, at::Tensor& out, at::Tensor& lse) = 0;
  virtual void block_sparse_backward(const at::Tensor& rotated_qkv, const at::Tensor& tiles, const AttentionShape& shape, const at::Tensor& out,
                                     const at::Tensor& lse, const at::Tensor& d_out, at::Tensor& d_rotated_qkv) = 0;

  // A chunk of logits [R, V], x = logits * logit_scale (float32 or bfloat16); targets [R] int64, a target outside [0, V) is an ignored row (log-probability
  // and gradient 0). Tensors after logit_scale may be undefined; all but the gradient are [R] float32:
  //   log_probability = x[target] - logsumexp(x);  entropy of softmax(x) in nats;  gradient [R, V] = (onehot - softmax) * factor * logit_scale.
  // The gradient may be the logits themselves, or a bfloat16 tensor beside float32 logits. A NaN or infinity in a row shows in its results.
  virtual void softmax_rows(const at::Tensor& logits, const at::Tensor& targets, double logit_scale, const at::Tensor& factor,
                            const at::Tensor& log_probability, const at::Tensor& log_sum_exp, const at::Tensor& entropy, const at::Tensor& gradient) = 0;

  // gradient [out, in] float32 = beta * gradient + dy^T x; dy [T, out], x [T, in] of one dtype with unit last strides; float32 accumulation
  // straight into the flat buffer (cuBLAS bf16 x bf16 -> float32).
  virtual void accumulate_weight_gradient(const at::Tensor& dy, const at::Tensor& x, at::Tensor& gradient, double beta) = 0;
  // gradient [out] float32 = beta * gradient + sum over rows of dy [T, out]; deterministic.
  virtual void accumulate_bias_gradient(const at::Tensor& dy, at::Tensor& gradient, double beta) = 0;
  // gradient [rows, hidden] float32 = beta * gradient, then gradient[tokens[t]] += dy[t] in order of t (deterministic); tokens equal to `ignored_id`
  // or outside the table add nothing.
  virtual void accumulate_embedding_gradient(const at::Tensor& dy, const at::Tensor& tokens, std::int64_t ignored_id, at::Tensor& gradient, double beta) = 0;

  // adamw.h, same arguments. sum_of_squares waits for the result.
  virtual void adamw(at::Tensor& master, const at::Tensor& gradient, at::Tensor& exp_avg, at::Tensor& exp_avg_sq, at::Tensor& compute,
                     const AdamWStep& step) = 0;
  virtual double sum_of_squares(const at::Tensor& flat) = 0;

  // attention.h, generation. Caches [slots, kv_heads, capacity, d]. Copies rotated keys and values of a packed stream (qkv as rotary_pack leaves it):
  // document d = [offsets[d], offsets[d + 1]) goes to slot slots[d] at `positions` [T] int32; offsets [documents + 1] int32 on the device.
  virtual void store_keys_values(const at::Tensor& rotated_qkv, const at::Tensor& positions, const at::Tensor& offsets, const std::vector<std::int64_t>& slots,
                                 std::int64_t heads, at::Tensor& keys, at::Tensor& values) = 0;
  // rotated_qkv [B, ...]: appends row b's key and value to slot slots[b] at index lengths[b], then attends to the last `window` (0: all) of the
  // lengths[b] + 1 keys, as far as `sparse` shows them. out [B, heads * d].
  virtual void decode_attention(const at::Tensor& rotated_qkv, const std::vector<std::int64_t>& slots, const std::vector<std::int64_t>& lengths,
                                std::int64_t heads, std::int64_t window, const BlockSparsePattern& sparse, double scale, at::Tensor& keys, at::Tensor& values,
                                at::Tensor& out) = 0;

  // NCCL over the ranks of `host` (collective; the id travels over it), on the calling thread's current device, one device per rank. Buffers are
  // device memory, results are ordered on the current stream. Throws CommunicationError after `timeout_seconds`.
  virtual std::unique_ptr<parallel::Communicator> make_nccl(parallel::Communicator& host, double timeout_seconds) = 0;
  // Copies and pinned memory for MpiCommunicator on device buffers. Lives as long as the process.
  virtual parallel::DeviceMemory& device_memory() = 0;
};

// Null when there is no GPU, no plug-in, or it does not load. Thread-safe; the first call decides for the process.
// PHIDIAS_CUDA=0 in the environment hides the GPU.
CudaBackend* cuda_backend();
// Why cuda_backend() is null ("libcuda.so.1 is not installed"); empty when it is not.
const std::string& cuda_unavailable_reason();
// cuda_backend(), or ConfigError with the reason.
CudaBackend& require_cuda();
// Whether an operation goes to the backend: a CUDA tensor of float32 or bfloat16 (other types take the plain ATen path).
inline bool on_cuda(const at::Tensor& x) { return x.is_cuda() && (x.scalar_type() == at::kFloat || x.scalar_type() == at::kBFloat16); }

}  // namespace phidias::kernels
