// LayerNorm, drawn factors and the router of a mixture of experts.
#include <ATen/ops/empty.h>

#include "kernels/cuda/plugin.h"
#include "kernels/draws.h"

namespace phidias::kernels::cuda {
namespace {

SparseMixerArguments mixer_arguments(const at::Tensor& scores, const SparseMixerOptions& options, const at::Tensor& draw_keys) {
  check_contiguous("sparse_mixer", {&scores, &draw_keys});
  check_float("sparse_mixer", {&scores});
  SparseMixerArguments arguments{};
  arguments.scores = pointer<float>(scores);
  arguments.draw_keys = pointer<std::int64_t>(draw_keys);
  arguments.tokens = scores.size(0);
  arguments.experts = static_cast<int>(scores.size(1));
  arguments.threshold = static_cast<float>(2 * options.epsilon);
  for (std::uint64_t slot = 0; slot < 2; ++slot) arguments.sites[slot] = draw_site(RandomSite::expert_sampling, options.layer, slot);
  return arguments;
}

}  // namespace

void PluginBackend::layer_norm_forward(const at::Tensor& x, const at::Tensor& update, const at::Tensor& weight, const at::Tensor& bias, double eps,
                                       at::Tensor& sum, at::Tensor& y, at::Tensor& statistics) {
  check_contiguous("layer_norm", {&x, &update, &weight, &bias, &sum, &y});
  check_float("layer_norm", {&statistics});
  TORCH_CHECK(
      weight.scalar_type() == x.scalar_type() && bias.scalar_type() == x.scalar_type() && (!update.defined() || update.scalar_type() == x.scalar_type()),
      "layer_norm: mixed element types");
  const c10::cuda::CUDAGuard guard(x.device());
  const LayerNormRows rows{pointer(x), pointer(update), pointer(weight), pointer(bias), x.size(0), x.size(1)};
  C10_CUDA_CHECK(cuda::layer_norm_forward(element_of(x), rows, update.defined() ? pointer(sum) : nullptr, pointer(y), pointer<float>(statistics),
                                          static_cast<float>(eps), stream()));
}

void PluginBackend::layer_norm_backward(const at::Tensor& dy, const at::Tensor& dsum, const at::Tensor& x, const at::Tensor& weight,
                                        const at::Tensor& statistics, at::Tensor& dx, at::Tensor& weight_gradient, double weight_beta,
                                        at::Tensor& bias_gradient, double bias_beta) {
  check_contiguous("layer_norm_backward", {&dy, &dsum, &x, &weight, &dx});
  check_float("layer_norm_backward", {&statistics, &weight_gradient, &bias_gradient});
  const c10::cuda::CUDAGuard guard(x.device());
  const std::int64_t hidden = x.size(1), blocks = partial_rows(x.size(0));
  const bool trained = weight_gradient.defined() || bias_gradient.defined();
  const at::Tensor partial = trained ? at::empty({blocks, 2 * hidden}, x.options().dtype(at::kFloat)) : at::Tensor();
  const LayerNormRows rows{pointer(x), nullptr, pointer(weight), nullptr, x.size(0), hidden};
  C10_CUDA_CHECK(
      cuda::layer_norm_backward(element_of(x), rows, pointer(dy), pointer(dsum), pointer<float>(statistics), pointer(dx), pointer<float>(partial), stream()));
  if (!trained) return;
  // One sum over the blocks for both, then each to its place.
  const at::Tensor total = at::empty({2, hidden}, partial.options());
  C10_CUDA_CHECK(cuda::column_sum(Element::float32, pointer(partial), x.size(0) == 0 ? 0 : blocks, 2 * hidden, nullptr, pointer<float>(total), 0.0f, stream()));
  const auto give = [&](at::Tensor& gradient, std::int64_t part, double beta) {
    if (!gradient.defined()) return;
    if (beta == 0.0)
      gradient.copy_(total.select(0, part));
    else
      gradient.add_(total.select(0, part));
  };
  give(weight_gradient, 0, weight_beta);
  give(bias_gradient, 1, bias_beta);
}

void PluginBackend::drawn_factor(const at::Tensor& x, const at::Tensor& draw_keys, const DrawnFactor& factor, at::Tensor& y) {
  check_contiguous("drawn factor", {&x, &draw_keys, &y});
  const c10::cuda::CUDAGuard guard(x.device());
  C10_CUDA_CHECK(cuda::drawn_factor(element_of(x), pointer(x), pointer<std::int64_t>(draw_keys), {factor.site, factor.drop, factor.base, factor.span},
                                    pointer(y), x.size(0), x.size(1), stream()));
}

void PluginBackend::sparse_mixer(const at::Tensor& scores, const SparseMixerOptions& options, const at::Tensor& draw_keys, at::Tensor& experts,
                                 at::Tensor& weights) {
  check_contiguous("sparse_mixer", {&experts});
  check_float("sparse_mixer", {&weights});
  const c10::cuda::CUDAGuard guard(scores.device());
  C10_CUDA_CHECK(cuda::sparse_mixer(mixer_arguments(scores, options, options.sampled ? draw_keys : at::Tensor()), pointer<std::int64_t>(experts),
                                    pointer<float>(weights), stream()));
}

void PluginBackend::sparse_mixer_backward(const at::Tensor& scores, const SparseMixerOptions& options, const at::Tensor& experts, const at::Tensor& d_weights,
                                          const at::Tensor& aux, at::Tensor& d_scores) {
  check_contiguous("sparse_mixer_backward", {&experts});
  check_float("sparse_mixer_backward", {&d_weights, &aux, &d_scores});
  const c10::cuda::CUDAGuard guard(scores.device());
  C10_CUDA_CHECK(cuda::sparse_mixer_backward(mixer_arguments(scores, options, at::Tensor()), pointer<std::int64_t>(experts), pointer<float>(d_weights),
                                             pointer<float>(aux), pointer<float>(d_scores), stream()));
}

}  // namespace phidias::kernels::cuda
