// Norm, SwiGLU, rotary embedding and the gradients of weights.
#include <ATen/cuda/CUDAContext.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/empty_like.h>
#include <ATen/ops/sort.h>

#include "kernels/cuda/plugin.h"

namespace phidias::kernels::cuda {
namespace {

at::Tensor partial_sums(const at::Tensor& like, std::int64_t rows, std::int64_t columns) {
  return at::empty({partial_rows(rows), columns}, like.options().dtype(at::kFloat));
}

// dy and x as cuBLAS takes them: unit last stride, the other stride is the leading dimension.
std::int64_t leading_dimension(const at::Tensor& matrix) {
  TORCH_CHECK(matrix.dim() == 2 && matrix.stride(1) == 1 && matrix.stride(0) >= matrix.size(1), "weight gradient: strides ", matrix.strides(), " of ",
              matrix.sizes());
  return matrix.stride(0);
}

}  // namespace

void PluginBackend::rms_norm_forward(const at::Tensor& x, const at::Tensor& update, const at::Tensor& weight, double eps, at::Tensor& sum, at::Tensor& y,
                                     at::Tensor& rstd) {
  check_contiguous("rms_norm", {&x, &update, &weight, &sum, &y});
  check_float("rms_norm", {&rstd});
  TORCH_CHECK(weight.scalar_type() == x.scalar_type() && (!update.defined() || update.scalar_type() == x.scalar_type()), "rms_norm: mixed element types");
  const c10::cuda::CUDAGuard guard(x.device());
  C10_CUDA_CHECK(cuda::rms_norm_forward(element_of(x), pointer(x), pointer(update), pointer(weight), update.defined() ? pointer(sum) : nullptr, pointer(y),
                                        pointer<float>(rstd), x.size(0), x.size(1), static_cast<float>(eps), stream()));
}

void PluginBackend::rms_norm_backward(const at::Tensor& dy, const at::Tensor& dsum, const at::Tensor& x, const at::Tensor& weight, const at::Tensor& rstd,
                                      at::Tensor& dx, at::Tensor& weight_gradient, double beta) {
  check_contiguous("rms_norm_backward", {&dy, &dsum, &x, &weight, &dx});
  check_float("rms_norm_backward", {&rstd, &weight_gradient});
  const c10::cuda::CUDAGuard guard(x.device());
  const std::int64_t rows = x.size(0), hidden = x.size(1);
  at::Tensor partial = weight_gradient.defined() ? partial_sums(x, rows, hidden) : at::Tensor();
  C10_CUDA_CHECK(cuda::rms_norm_backward(element_of(x), pointer(dy), pointer(dsum), pointer(x), pointer(weight), pointer<float>(rstd), pointer(dx),
                                         pointer<float>(partial), rows, hidden, stream()));
  if (!weight_gradient.defined()) return;
  C10_CUDA_CHECK(cuda::column_sum(Element::float32, pointer(partial), partial.size(0), hidden, nullptr, pointer<float>(weight_gradient),
                                  static_cast<float>(beta), stream()));
}

void PluginBackend::swiglu_forward(const at::Tensor& gate_up, at::Tensor& out) {
  check_contiguous("swiglu", {&gate_up, &out});
  const c10::cuda::CUDAGuard guard(gate_up.device());
  C10_CUDA_CHECK(cuda::swiglu_forward(element_of(gate_up), pointer(gate_up), pointer(out), out.size(0), out.size(1), stream()));
}

void PluginBackend::swiglu_backward(const at::Tensor& dout, const at::Tensor& gate_up, at::Tensor& dgate_up) {
  check_contiguous("swiglu_backward", {&dout, &gate_up, &dgate_up});
  const c10::cuda::CUDAGuard guard(gate_up.device());
  C10_CUDA_CHECK(cuda::swiglu_backward(element_of(gate_up), pointer(dout), pointer(gate_up), pointer(dgate_up), dout.size(0), dout.size(1), stream()));
}

void PluginBackend::gegelu_forward(const at::Tensor& gate_up, double limit, at::Tensor& out) {
  check_contiguous("gegelu", {&gate_up, &out});
  const c10::cuda::CUDAGuard guard(gate_up.device());
  C10_CUDA_CHECK(cuda::gegelu_forward(element_of(gate_up), pointer(gate_up), pointer(out), static_cast<float>(limit), out.size(0), out.size(1), stream()));
}

void PluginBackend::gegelu_backward(const at::Tensor& dout, const at::Tensor& gate_up, double limit, at::Tensor& dgate_up) {
  check_contiguous("gegelu_backward", {&dout, &gate_up, &dgate_up});
  const c10::cuda::CUDAGuard guard(gate_up.device());
  C10_CUDA_CHECK(cuda::gegelu_backward(element_of(gate_up), pointer(dout), pointer(gate_up), pointer(dgate_up), static_cast<float>(limit), dout.size(0),
                                       dout.size(1), stream()));
}

void PluginBackend::rotary_pack(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v, const at::Tensor& cos, const at::Tensor& sin,
                                std::int64_t rotary_dim, bool inverse, QkvLayout layout, at::Tensor& out) {
  check_float("rotary", {&cos, &sin});
  check_contiguous("rotary", {&out});
  const std::int64_t dim = q.size(-1), kv_heads = k.size(1), group = q.dim() == 4 ? q.size(2) : q.size(1) / kv_heads;
  for (const at::Tensor* part : {&q, &k, &v}) {
    const bool heads_follow = part != &q || part->size(-2) == 1 || part->stride(-2) == dim;
    TORCH_CHECK((part->dim() == 3 || part == &q) && part->size(-1) == dim && part->stride(-1) == 1 && heads_follow, "rotary: strides ", part->strides(), " of ",
                part->sizes());
  }
  TORCH_CHECK(v.sizes() == k.sizes() && (kv_heads == 1 || k.stride(1) == v.stride(1)) && (q.dim() == 3 || q.size(1) == kv_heads), "rotary: ", q.sizes(),
              " queries, keys ", k.sizes(), " with strides ", k.strides(), ", values ", v.sizes(), " with strides ", v.strides());
  TORCH_CHECK(dim % 2 == 0 && rotary_dim % 2 == 0 && rotary_dim <= dim && (q.size(0) == 0 || cos.size(1) == rotary_dim / 2), "rotary: ", rotary_dim, " of ",
              dim, " values rotated with a table of ", cos.sizes());
  const c10::cuda::CUDAGuard guard(out.device());
  const RotaryArguments arguments{pointer(q),
                                  pointer(k),
                                  pointer(v),
                                  q.stride(0),
                                  k.stride(0),
                                  v.stride(0),
                                  q.dim() == 4 ? q.stride(1) - group * dim : 0,
                                  k.stride(1),
                                  pointer<float>(cos),
                                  pointer<float>(sin),
                                  pointer(out),
                                  q.size(0),
                                  static_cast<int>(group * kv_heads),
                                  static_cast<int>(kv_heads),
                                  static_cast<int>(dim),
                                  static_cast<int>(rotary_dim),
                                  inverse,
                                  layout == QkvLayout::grouped};
  C10_CUDA_CHECK(cuda::rotary_pack(element_of(out), arguments, stream()));
}

namespace {

SparseAttention sparse_arguments(const at::Tensor& rotated_qkv, const at::Tensor& tiles, const AttentionShape& shape) {
  check_contiguous("block-sparse attention", {&rotated_qkv, &tiles});
  TORCH_CHECK(rotated_qkv.size(1) == (shape.heads + 2 * shape.kv_heads) * shape.head_dim && tiles.scalar_type() == at::kInt && tiles.size(1) == 4 &&
                  shape.sparse.block_size > 0,
              "block-sparse attention: rows of ", rotated_qkv.size(1), " values, tiles ", tiles.sizes(), ", blocks of ", shape.sparse.block_size);
  return {pointer(rotated_qkv),
          pointer<std::int32_t>(tiles),
          static_cast<int>(tiles.size(0)),
          rotated_qkv.size(0),
          static_cast<int>(shape.heads),
          static_cast<int>(shape.kv_heads),
          static_cast<int>(shape.head_dim),
          shape.window,
          shape.sparse,
          static_cast<float>(shape.scale)};
}

}  // namespace

void PluginBackend::block_sparse_forward(const at::Tensor& rotated_qkv, const at::Tensor& tiles, const AttentionShape& shape, at::Tensor& out,
                                         at::Tensor& lse) {
  check_contiguous("block-sparse attention", {&out});
  check_float("block-sparse attention", {&lse});
  const c10::cuda::CUDAGuard guard(out.device());
  C10_CUDA_CHECK(cuda::block_sparse_forward(element_of(rotated_qkv), sparse_arguments(rotated_qkv, tiles, shape), pointer(out), pointer<float>(lse), stream()));
}

void PluginBackend::block_sparse_backward(const at::Tensor& rotated_qkv, const at::Tensor& tiles, const AttentionShape& shape, const at::Tensor& out,
                                          const at::Tensor& lse, const at::Tensor& d_out, at::Tensor& d_rotated_qkv) {
  check_contiguous("block-sparse attention", {&out, &d_out, &d_rotated_qkv});
  check_float("block-sparse attention", {&lse});
  const c10::cuda::CUDAGuard guard(out.device());
  at::Tensor delta = at::empty_like(lse);
  C10_CUDA_CHECK(cuda::block_sparse_backward(element_of(rotated_qkv), sparse_arguments(rotated_qkv, tiles, shape), pointer(out), pointer<float>(lse),
                                             pointer(d_out), pointer<float>(delta), pointer(d_rotated_qkv), stream()));
}

void PluginBackend::accumulate_weight_gradient(const at::Tensor& dy, const at::Tensor& x, at::Tensor& gradient, double beta) {
  check_float("weight gradient", {&gradient});
  TORCH_CHECK(dy.scalar_type() == x.scalar_type() && dy.size(0) == x.size(0) && gradient.size(0) == dy.size(1) && gradient.size(1) == x.size(1),
              "weight gradient: ", dy.sizes(), "^T ", x.sizes(), " into ", gradient.sizes());
  const c10::cuda::CUDAGuard guard(gradient.device());
  if (x.size(0) == 0) {
    if (beta == 0.0) gradient.zero_();
    return;
  }
  // cuBLAS counts columns first: gradient^T [in, out] = x^T [in, T] * dy [T, out].
  const auto type = element_of(x) == Element::bfloat16 ? CUDA_R_16BF : CUDA_R_32F;
  const float alpha = 1.0f, scale = static_cast<float>(beta);
  const auto status = cublasGemmEx(at::cuda::getCurrentCUDABlasHandle(), CUBLAS_OP_N, CUBLAS_OP_T, static_cast<int>(x.size(1)), static_cast<int>(dy.size(1)),
                                   static_cast<int>(x.size(0)), &alpha, x.data_ptr(), type, static_cast<int>(leading_dimension(x)), dy.data_ptr(), type,
                                   static_cast<int>(leading_dimension(dy)), &scale, gradient.data_ptr(), CUDA_R_32F, static_cast<int>(gradient.size(1)),
                                   CUBLAS_COMPUTE_32F, CUBLAS_GEMM_DEFAULT);
  TORCH_CHECK(status == CUBLAS_STATUS_SUCCESS, "weight gradient: cublasGemmEx failed: ", cublasGetStatusString(status));
}

void PluginBackend::accumulate_bias_gradient(const at::Tensor& dy, at::Tensor& gradient, double beta) {
  check_contiguous("bias gradient", {&dy});
  check_float("bias gradient", {&gradient});
  const c10::cuda::CUDAGuard guard(dy.device());
  const at::Tensor partial = partial_sums(dy, dy.size(0), dy.size(1));
  C10_CUDA_CHECK(cuda::column_sum(element_of(dy), pointer(dy), dy.size(0), dy.size(1), pointer<float>(partial), pointer<float>(gradient),
                                  static_cast<float>(beta), stream()));
}

void PluginBackend::accumulate_embedding_gradient(const at::Tensor& dy, const at::Tensor& tokens, std::int64_t ignored_id, at::Tensor& gradient, double beta) {
  check_contiguous("embedding gradient", {&dy, &tokens});
  check_float("embedding gradient", {&gradient});
  const c10::cuda::CUDAGuard guard(gradient.device());
  if (beta == 0.0) gradient.zero_();
  if (tokens.numel() == 0) return;
  const auto [ids, order] = at::sort(tokens, /*stable=*/true, /*dim=*/0, /*descending=*/false);
  C10_CUDA_CHECK(cuda::embedding_gradient(element_of(dy), pointer(dy), pointer<std::int64_t>(ids), pointer<std::int64_t>(order), tokens.numel(), dy.size(1),
                                          gradient.size(0), ignored_id < 0 ? -1 : ignored_id, pointer<float>(gradient), stream()));
}

}  // namespace phidias::kernels::cuda
