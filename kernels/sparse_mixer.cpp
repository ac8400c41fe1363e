#include "kernels/sparse_mixer.h"

#include <ATen/TensorOperators.h>
#include <ATen/core/ivalue.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/empty_like.h>
#include <ATen/ops/softmax.h>

#include "base/error.h"
#include "kernels/autograd.h"
#include "kernels/cpu/dispatch.h"
#include "kernels/cuda_backend.h"
#include "kernels/drawn_factor.h"
#include "kernels/draws.h"
#include "kernels/linear.h"
#include "kernels/reference/experts.h"

namespace phidias::kernels {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

constexpr std::int64_t kMostExperts = 64;  // what the kernels keep on their stacks

cpu::MixerProblem problem_of(const at::Tensor& scores, const SparseMixerOptions& options, const at::Tensor& draw_keys) {
  cpu::MixerProblem problem{};
  problem.scores = scores.const_data_ptr<float>();
  problem.draw_keys = options.sampled ? draw_keys.const_data_ptr<std::int64_t>() : nullptr;
  problem.tokens = scores.size(0);
  problem.experts = scores.size(1);
  problem.threshold = static_cast<float>(2 * options.epsilon);
  for (std::uint64_t slot = 0; slot < 2; ++slot) problem.sites[slot] = draw_site(RandomSite::expert_sampling, options.layer, slot);
  problem.threads = cpu::team_size(16 * scores.numel());
  return problem;
}

// scores float32 on the CPU or a GPU; weights float32.
Routing route(const at::Tensor& scores, const SparseMixerOptions& options, const at::Tensor& draw_keys) {
  Routing routing{at::empty({scores.size(0), 2}, scores.options().dtype(at::kLong)), at::empty({scores.size(0), 2}, scores.options())};
  if (on_cuda(scores))
    require_cuda().sparse_mixer(scores, options, draw_keys, routing.experts, routing.weights);
  else
    cpu::kernels().sparse_mixer(problem_of(scores, options, draw_keys), routing.experts.mutable_data_ptr<std::int64_t>(),
                                routing.weights.mutable_data_ptr<float>());
  return routing;
}

void fill_statistics(const at::Tensor& scores, const SparseMixerOptions& options, const at::Tensor& draw_keys, const at::Tensor& experts,
                     LayerRouting& statistics) {
  const std::int64_t count = scores.size(1);
  if (!scores.is_cpu()) {
    const at::Tensor numbers = at::arange(count, experts.options());  // at::bincount would wait for the device
    statistics.load = experts.reshape({-1, 1}).eq(numbers).sum(0);
    statistics.top_counts = std::get<1>(scores.topk(2, -1)).reshape({-1, 1}).eq(numbers).sum(0);
    statistics.probability_sum = at::softmax(scores, -1).sum(0);
    return;
  }
  statistics.load = at::empty({count}, at::kLong);
  statistics.top_counts = at::empty({count}, at::kLong);
  statistics.probability_sum = at::empty({count}, at::kFloat);
  const at::Tensor partial = at::empty({(scores.size(0) + cpu::kNormBlock - 1) / cpu::kNormBlock, 3, count}, at::kFloat);
  cpu::kernels().routing_statistics(problem_of(scores, options, draw_keys), experts.const_data_ptr<std::int64_t>(),
                                    statistics.load.mutable_data_ptr<std::int64_t>(), statistics.top_counts.mutable_data_ptr<std::int64_t>(),
                                    statistics.probability_sum.mutable_data_ptr<float>(), partial.mutable_data_ptr<float>());
}

// What backward needs beside tensors; a closure cannot travel in an IValue by itself, a capsule of this holder can.
struct MixerContext : torch::CustomClassHolder {
  MixerContext(const SparseMixerOptions& o, at::Tensor k, std::function<at::Tensor()> a) : options(o), draw_keys(std::move(k)), aux_gradient(std::move(a)) {}
  SparseMixerOptions options;
  at::Tensor draw_keys;  // undefined: nothing is drawn
  std::function<at::Tensor()> aux_gradient;
};

struct SparseMixer : torch::autograd::Function<SparseMixer> {
  static variable_list forward(AutogradContext* ctx, const at::Tensor& scores, LayerRouting* statistics, const c10::intrusive_ptr<MixerContext>& context) {
    const at::Tensor wide = scores.to(at::kFloat).contiguous();
    const Routing routing = route(wide, context->options, context->draw_keys);
    if (statistics != nullptr) fill_statistics(wide, context->options, context->draw_keys, routing.experts, *statistics);
    ctx->save_for_backward({wide, routing.experts});
    ctx->saved_data["context"] = c10::IValue::make_capsule(context);
    ctx->saved_data["type"] = static_cast<std::int64_t>(scores.scalar_type());
    ctx->mark_non_differentiable({routing.experts});
    return {routing.experts, routing.weights.to(scores.scalar_type())};
  }

  static variable_list backward(AutogradContext* ctx, const variable_list& gradients) {
    const variable_list saved = ctx->get_saved_variables();
    const auto capsule = ctx->saved_data["context"].toCapsule();
    const auto& context = static_cast<const MixerContext&>(*capsule);
    const at::Tensor &scores = saved[0], &experts = saved[1], d_weights = gradients[1].to(at::kFloat).contiguous();
    const at::Tensor aux = context.aux_gradient ? context.aux_gradient() : at::Tensor();
    at::Tensor d_scores = at::empty_like(scores);
    if (on_cuda(scores)) {
      require_cuda().sparse_mixer_backward(scores, context.options, experts, d_weights, aux, d_scores);
    } else {
      SparseMixerOptions masks_only = context.options;
      masks_only.sampled = false;
      cpu::kernels().sparse_mixer_backward(problem_of(scores, masks_only, at::Tensor()), experts.const_data_ptr<std::int64_t>(),
                                           d_weights.const_data_ptr<float>(), aux.defined() ? aux.contiguous().const_data_ptr<float>() : nullptr,
                                           d_scores.mutable_data_ptr<float>());
    }
    return {d_scores.to(static_cast<at::ScalarType>(ctx->saved_data["type"].toInt())), at::Tensor(), at::Tensor()};
  }
};

struct FrozenRouter : torch::autograd::Function<FrozenRouter> {
  static at::Tensor forward(AutogradContext* ctx, const at::Tensor& x, const at::Tensor&, Parameter* gate) {
    save_parameter(ctx, "gate", gate);
    return x.mm(gate->value.t());
  }
  static variable_list backward(AutogradContext* ctx, const variable_list& gradients) {
    Parameter& gate = *saved_parameter(ctx, "gate");
    const at::Tensor dx = gradients[0].mm(gate.value);
    if (gate.trainable()) {
      if (!gate.has_gradient) gate.gradient.zero_();
      gate.contributed();
    }
    return {dx, at::Tensor(), at::Tensor()};
  }
};

}  // namespace

Routing sparse_mixer(const at::Tensor& scores, const SparseMixerOptions& options, const at::Tensor& draw_keys, LayerRouting* statistics,
                     const std::function<at::Tensor()>& aux_gradient) {
  TORCH_CHECK(scores.dim() == 2 && scores.size(1) >= 2 && scores.size(1) <= kMostExperts, "sparse_mixer: scores ", scores.sizes(),
              "; 2 to 64 experts are supported");
  TORCH_CHECK(!options.sampled || (draw_keys.defined() && draw_keys.numel() == scores.size(0)), "sparse_mixer: sampling needs one draw key per token");
  const at::Tensor keys = options.sampled ? draw_keys.contiguous() : at::Tensor();
  Routing routing;
  if (records_gradients()) {
    const variable_list outputs = SparseMixer::apply(scores, statistics, c10::make_intrusive<MixerContext>(options, keys, aux_gradient));
    routing = {outputs[0], outputs[1]};
  } else {
    const at::Tensor wide = scores.to(at::kFloat).contiguous();
    routing = route(wide, options, keys);
    if (statistics != nullptr) fill_statistics(wide, options, keys, routing.experts, *statistics);
    routing.weights = routing.weights.to(scores.scalar_type());
  }
  return routing;
}

at::Tensor input_jitter(const at::Tensor& x, double epsilon, const at::Tensor& draw_keys, std::uint64_t layer) {
  if (epsilon == 0.0 || !draw_keys.defined()) return x;
  return times_drawn_factor(x, draw_keys, jitter_factor(epsilon, draw_site(RandomSite::jitter, layer)));
}

at::Tensor router_scores(const at::Tensor& x, Parameter& gate, bool frozen) {
  if (!frozen || !records_gradients()) return linear(x, gate, nullptr);
  return FrozenRouter::apply(x, gate.value, &gate);
}

}  // namespace phidias::kernels
