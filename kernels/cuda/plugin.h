// The plug-in's side of CudaBackend: unwraps tensors, checks them and calls the launch functions on the current stream.
//
// One class, its methods grouped by file: plugin.cpp (devices, memory, timing), plugin_layers.cpp, plugin_experts.cpp, plugin_loss.cpp, plugin_generation.cpp.
// This is the only place where ATen and CUDA headers meet.
#pragma once

#include <c10/cuda/CUDAException.h>
#include <c10/cuda/CUDAGuard.h>
#include <c10/cuda/CUDAStream.h>

#include "kernels/cuda/launch.h"
#include "kernels/cuda_backend.h"

namespace phidias::kernels::cuda {

class PinnedCopies : public parallel::DeviceMemory {
 public:
  void copy_to_host(void* host, const void* device, std::size_t bytes) override;
  void copy_to_device(void* device, const void* host, std::size_t bytes) override;
  void* allocate_pinned(std::size_t bytes) override;
  void free_pinned(void* memory) override;
};

class PluginBackend : public CudaBackend {
 public:
  int device_count() const override;
  CudaDevice describe(int device) const override;
  void set_device(int device) override;
  int current_device() const override;
  CudaMemory memory(int device) const override;
  void reset_peak_memory(int device) override;
  void release_cached_memory() override;
  void synchronize() override;
  std::string versions() const override;
  double measure_milliseconds(const std::function<void()>& work) override;

  void rms_norm_forward(const at::Tensor& x, const at::Tensor& update, const at::Tensor& weight, double eps, at::Tensor& sum, at::Tensor& y,
                        at::Tensor& rstd) override;
  void rms_norm_backward(const at::Tensor& dy, const at::Tensor& dsum, const at::Tensor& x, const at::Tensor& weight, const at::Tensor& rstd, at::Tensor& dx,
                         at::Tensor& weight_gradient, double beta) override;
  void layer_norm_forward(const at::Tensor& x, const at::Tensor& update, const at::Tensor& weight, const at::Tensor& bias, double eps, at::Tensor& sum,
                          at::Tensor& y, at::Tensor& statistics) override;
  void layer_norm_backward(const at::Tensor& dy, const at::Tensor& dsum, const at::Tensor& x, const at::Tensor& weight, const at::Tensor& statistics,
                           at::Tensor& dx, at::Tensor& weight_gradient, double weight_beta, at::Tensor& bias_gradient, double bias_beta) override;
  void drawn_factor(const at::Tensor& x, const at::Tensor& draw_keys, const DrawnFactor& factor, at::Tensor& y) override;
  void sparse_mixer(const at::Tensor& scores, const SparseMixerOptions& options, const at::Tensor& draw_keys, at::Tensor& experts,
                    at::Tensor& weights) override;
  void sparse_mixer_backward(const at::Tensor& scores, const SparseMixerOptions& options, const at::Tensor& experts, const at::Tensor& d_weights,
                             const at::Tensor& aux, at::Tensor& d_scores) override;
  void swiglu_forward(const at::Tensor& gate_up, at::Tensor& out) override;
  void swiglu_backward(const at::Tensor& dout, const at::Tensor& gate_up, at::Tensor& dgate_up) override;
  void gegelu_forward(const at::Tensor& gate_up, double limit, at::Tensor& out) override;
  void gegelu_backward(const at::Tensor& dout, const at::Tensor& gate_up, double limit, at::Tensor& dgate_up) override;
  void rotary_pack(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v, const at::Tensor& cos, const at::Tensor& sin, std::int64_t rotary_dim,
                   bool inverse, QkvLayout layout, at::Tensor& out) override;
  void block_sparse_forward(const at::Tensor& rotated_qkv, const at::Tensor& tiles, const AttentionShape& shape, at::Tensor& out, at::Tensor& lse) override;
  void block_sparse_backward(const at::Tensor& rotated_qkv, const at::Tensor& tiles, const AttentionShape& shape, const at::Tensor& out, const at::Tensor& lse,
                             const at::Tensor& d_out, at::Tensor& d_rotated_qkv) override;
  void softmax_rows(const at::Tensor& logits, const at::Tensor& targets, double logit_scale, const at::Tensor& factor, const at::Tensor& log_probability,
                    const at::Tensor& log_sum_exp, const at::Tensor& entropy, const at::Tensor& gradient) override;
  void accumulate_weight_gradient(const at::Tensor& dy, const at::Tensor& x, at::Tensor& gradient, double beta) override;
  void accumulate_bias_gradient(const at::Tensor& dy, at::Tensor& gradient, double beta) override;
  void accumulate_embedding_gradient(const at::Tensor& dy, const at::Tensor& tokens, std::int64_t ignored_id, at::Tensor& gradient, double beta) override;
  void adamw(at::Tensor& master, const at::Tensor& gradient, at::Tensor& exp_avg, at::Tensor& exp_avg_sq, at::Tensor& compute, const AdamWStep& step) override;
  double sum_of_squares(const at::Tensor& flat) override;
  void store_keys_values(const at::Tensor& rotated_qkv, const at::Tensor& positions, const at::Tensor& offsets, const std::vector<std::int64_t>& slots,
                         std::int64_t heads, at::Tensor& keys, at::Tensor& values) override;
  void decode_attention(const at::Tensor& rotated_qkv, const std::vector<std::int64_t>& slots, const std::vector<std::int64_t>& lengths, std::int64_t heads,
                        std::int64_t window, const BlockSparsePattern& sparse, double scale, at::Tensor& keys, at::Tensor& values, at::Tensor& out) override;
  std::unique_ptr<parallel::Communicator> make_nccl(parallel::Communicator& host, double timeout_seconds) override;
  parallel::DeviceMemory& device_memory() override { return pinned_copies_; }

 private:
  PinnedCopies pinned_copies_;
};

// Throws for anything but float32 and bfloat16.
Element element_of(const at::Tensor& tensor);
// Throws unless every defined tensor is contiguous CUDA memory; names the operation.
void check_contiguous(const char* operation, std::initializer_list<const at::Tensor*> tensors);
// Throws unless the tensor is contiguous float32.
void check_float(const char* operation, std::initializer_list<const at::Tensor*> tensors);

// Null for an undefined or empty tensor.
template <typename T = void>
T* pointer(const at::Tensor& tensor) {
  return tensor.defined() && tensor.numel() > 0 ? static_cast<T*>(tensor.data_ptr()) : nullptr;
}

inline cudaStream_t stream() { return c10::cuda::getCurrentCUDAStream().stream(); }

}  // namespace phidias::kernels::cuda
