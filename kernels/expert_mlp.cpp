#include "kernels/expert_mlp.h"

#include <ATen/Parallel.h>
#include <ATen/TensorOperators.h>
#include <ATen/core/LegacyTypeDispatch.h>
#include <ATen/core/grad_mode.h>
#include <ATen/core/ivalue.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/empty_like.h>
#include <ATen/ops/index_select.h>
#include <ATen/ops/mm.h>

#include <algorithm>
#include <exception>
#include <functional>
#include <mutex>
#include <numeric>

#include "kernels/autograd.h"
#include "kernels/cpu/dispatch.h"
#include "kernels/expert_rows.h"
#include "kernels/expert_steps.h"

namespace phidias::kernels {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

// Calls body(e) for every local expert; on the CPU several at once, the largest first, each product then by one thread. Few experts with rows are
// taken one after another, each by all threads.
void for_each_expert(const ExpertRoutes& routes, bool cpu, const std::function<void(std::int64_t)>& body) {
  std::vector<std::int64_t> order(static_cast<std::size_t>(routes.local_experts()));
  std::iota(order.begin(), order.end(), 0);
  const auto rows_of = [&](std::int64_t e) { return routes.offsets[static_cast<std::size_t>(e) + 1] - routes.offsets[static_cast<std::size_t>(e)]; };
  const int threads = at::in_parallel_region() ? 1 : at::get_num_threads();
  const auto busy = std::count_if(order.begin(), order.end(), [&](std::int64_t e) { return rows_of(e) > 0; });
  if (!cpu || threads == 1 || busy < 2 * threads) {
    for (const std::int64_t e : order) body(e);
    return;
  }
  std::stable_sort(order.begin(), order.end(), [&](std::int64_t a, std::int64_t b) { return rows_of(a) > rows_of(b); });
  struct Context {
    const std::function<void(std::int64_t)>& body;
    const std::vector<std::int64_t>& order;
    std::mutex mutex;
    std::exception_ptr error;
  } context{body, order, {}, {}};
  cpu::kernels().run_tasks(
      [](void* given, std::int64_t task) {
        auto& shared = *static_cast<Context*>(given);
        try {
          const at::AutoDispatchBelowADInplaceOrView no_autograd;  // both are per thread
          const at::NoGradGuard no_gradients;
          shared.body(shared.order[static_cast<std::size_t>(task)]);
        } catch (...) {
          const std::lock_guard lock(shared.mutex);
          if (!shared.error) shared.error = std::current_exception();
        }
      },
      &context, static_cast<std::int64_t>(order.size()), threads);
  if (context.error) std::rethrow_exception(context.error);
}

void product(const at::Tensor& a, const at::Tensor& b, at::Tensor out) { at::mm_out(out, a, b); }

bool draws(const Experts& parameters, const at::Tensor& draw_keys) {
  return parameters.lora != nullptr && !parameters.lora->empty() && parameters.lora->dropout > 0 && draw_keys.defined();
}

// Outputs in sorted order of this rank's own pairs, and what backward needs.
at::Tensor run_experts(const at::Tensor& x, const Experts& parameters, const ExpertRoutes& routes, const at::Tensor& draw_keys, Computed& computed) {
  const std::int64_t hidden = x.size(1), inner = parameters.down->value.size(2);
  computed.inputs = routes.dispatch(x, routes.choices);
  if (draws(parameters, draw_keys)) computed.keys = routes.dispatch(draw_keys.unsqueeze(1), routes.choices).squeeze(1);
  if (uses_grouped_products(parameters, x)) return routes.send_back(grouped_forward(parameters, routes, computed));
  computed.gate_up = at::empty({routes.rows(), 2 * inner}, x.options());
  const at::Tensor activation = at::empty({routes.rows(), inner}, x.options()), out = at::empty({routes.rows(), hidden}, x.options());
  for_each_expert(routes, x.is_cpu(), [&](std::int64_t e) {
    const Span rows = span_of(routes, e);
    if (rows.count == 0) return;
    const at::Tensor in = rows.of(computed.inputs), gate_up = rows.of(computed.gate_up), h = rows.of(activation), y = rows.of(out);
    const at::Tensor keys = rows.of(computed.keys);
    product(in, parameters.gate_up->value.select(0, e).t(), gate_up);
    for (int matrix = 0; matrix < 2; ++matrix)
      if (const ExpertAdapter lora = adapter(parameters, matrix, routes, e, keys); !lora.empty()) lora.add_to(in, gate_up.narrow(1, matrix * inner, inner));
    swiglu_rows(gate_up, h);
    product(h, parameters.down->value.select(0, e).t(), y);
    if (const ExpertAdapter lora = adapter(parameters, 2, routes, e, keys); !lora.empty()) lora.add_to(h, y);
  });
  return routes.send_back(out);
}

// d_out: gradient of the combined output for every row, not yet times the row's weight.
Gradients experts_backward(const at::Tensor& d_out, const at::Tensor& weights, const Experts& parameters, const ExpertRoutes& routes,
                           const Computed& computed) {
  if (uses_grouped_products(parameters, d_out)) return grouped_backward(d_out, weights, parameters, routes, computed);
  Parameter &up = *parameters.gate_up, &down = *parameters.down;
  const std::int64_t inner = down.value.size(2);
  Gradients gradients{at::empty_like(d_out), at::empty({routes.rows()}, weights.options())};
  const at::Tensor d_h = at::empty({routes.rows(), inner}, d_out.options()), d_gate_up = at::empty_like(computed.gate_up);
  for_each_expert(routes, d_out.is_cpu(), [&](std::int64_t e) {
    const Span rows = span_of(routes, e);
    if (rows.count == 0) {
      clear_expert(parameters, e);
      return;
    }
    const at::Tensor in = rows.of(computed.inputs), dy = rows.of(d_out), dh = rows.of(d_h), dg = rows.of(d_gate_up), dx = rows.of(gradients.x);
    const at::Tensor keys = rows.of(computed.keys);
    product(dy, down.value.select(0, e), dh);
    const ExpertAdapter down_lora = adapter(parameters, 2, routes, e, keys);
    const at::Tensor inner_gradient = down_lora.empty() ? at::Tensor() : down_lora.inner_gradient(dy);
    if (!down_lora.empty()) down_lora.add_input_gradient(inner_gradient, dh);
    weighted_swiglu_backward(dh, rows.of(computed.gate_up), rows.of(weights), dg, rows.of(gradients.weights));
    const at::Tensor& weighted_h = dh;
    if (down.trainable()) accumulate_slice(down, e, dy, weighted_h);
    if (!down_lora.empty()) down_lora.add_parameter_gradients(weighted_h, dy, inner_gradient);
    if (up.trainable()) accumulate_slice(up, e, dg, in);
    product(dg, up.value.select(0, e), dx);
    for (int matrix = 0; matrix < 2; ++matrix) {
      const ExpertAdapter lora = adapter(parameters, matrix, routes, e, keys);
      if (lora.empty()) continue;
      const at::Tensor part = dg.narrow(1, matrix * inner, inner), through = lora.inner_gradient(part);
      lora.add_input_gradient(through, dx);
      lora.add_parameter_gradients(in, part, through);
    }
  });
  return gradients;
}

at::ScalarType weight_type(const at::Tensor& x) { return x.scalar_type() == at::kDouble ? at::kDouble : at::kFloat; }

struct ExpertContext : torch::CustomClassHolder {
  Experts parameters;
  ExpertRoutes routes;
  at::Tensor draw_keys;  // may be undefined, which an argument may not
};

struct ExpertMlp : torch::autograd::Function<ExpertMlp> {
  // The parameters' values are arguments so that backward runs when only they require gradients.
  static at::Tensor forward(AutogradContext* ctx, const at::Tensor& x, const at::Tensor& weights, const at::Tensor& experts, const at::Tensor&,
                            const at::Tensor&, const at::Tensor&, const c10::intrusive_ptr<ExpertContext>& context) {
    ExpertRoutes& routes = context->routes;
    routes = ExpertRoutes(experts, context->parameters.count, context->parameters.ranks);
    Computed computed;
    const at::Tensor wide = weights.to(weight_type(x)).contiguous(), out = run_experts(x, context->parameters, routes, context->draw_keys, computed);
    // On one rank the gathered rows are made again from x: half the memory, or less.
    ctx->save_for_backward({routes.exchanged() ? computed.inputs : x, computed.gate_up, computed.keys, wide});
    ctx->saved_data["context"] = c10::IValue::make_capsule(context);
    ctx->saved_data["weights"] = static_cast<std::int64_t>(weights.scalar_type());
    return combine_rows(out, routes.places, wide);
  }

  static variable_list backward(AutogradContext* ctx, const variable_list& output_gradients) {
    const variable_list saved = ctx->get_saved_variables();
    const auto capsule = ctx->saved_data["context"].toCapsule();
    const auto& context = static_cast<const ExpertContext&>(*capsule);
    const Experts& parameters = context.parameters;
    const ExpertRoutes& routes = context.routes;
    const at::Tensor& weights = saved[3];
    const Computed computed{routes.exchanged() ? saved[0] : routes.dispatch(saved[0], routes.choices), saved[1], saved[2]};
    const at::Tensor d_out = routes.dispatch(output_gradients[0].contiguous(), routes.choices);
    const at::Tensor row_weights = routes.dispatch(weights.reshape({-1, 1}), 1).squeeze(1);
    const Gradients gradients = experts_backward(d_out, row_weights, parameters, routes, computed);
    const at::Tensor dx = combine_rows(routes.send_back(gradients.x), routes.places, at::Tensor());
    const at::Tensor sorted = routes.send_back(gradients.weights.unsqueeze(1)).squeeze(1);
    const at::Tensor d_weights = sorted.index_select(0, routes.places.reshape(-1)).view(weights.sizes());
    if (parameters.down->trainable()) parameters.down->contributed();
    if (parameters.gate_up->trainable()) parameters.gate_up->contributed();
    if (parameters.lora != nullptr) report_lora_gradients(*parameters.lora);
    const auto type = static_cast<at::ScalarType>(ctx->saved_data["weights"].toInt());
    return {dx, d_weights.to(type), at::Tensor(), at::Tensor(), at::Tensor(), at::Tensor(), at::Tensor()};
  }
};

// Any adapter (all are trainable or none is); without one, another parameter.
at::Tensor adapter_value(const Experts& parameters) {
  if (parameters.lora == nullptr) return parameters.down->value;
  for (const Parameter* parameter : {parameters.lora->gate_a, parameters.lora->up_a, parameters.lora->down_a})
    if (parameter != nullptr) return parameter->value;
  return parameters.down->value;
}

}  // namespace

at::Tensor expert_mlp(const at::Tensor& x_in, const at::Tensor& experts, const at::Tensor& weights, const Experts& parameters, const at::Tensor& draw_keys) {
  TORCH_CHECK(x_in.dim() == 2 && experts.dim() == 2 && experts.size(0) == x_in.size(0) && weights.sizes() == experts.sizes(), "expert_mlp: x ", x_in.sizes(),
              ", experts ", experts.sizes(), ", weights ", weights.sizes());
  const at::Tensor x = x_in.contiguous();
  if (!records_gradients()) {
    const ExpertRoutes routes(experts, parameters.count, parameters.ranks);
    Computed computed;
    const at::Tensor out = run_experts(x, parameters, routes, draw_keys, computed);
    return combine_rows(out, routes.places, weights.to(weight_type(x)).contiguous());
  }
  const auto context = c10::make_intrusive<ExpertContext>();
  context->parameters = parameters;
  context->draw_keys = draw_keys;
  return ExpertMlp::apply(x, weights, experts, parameters.gate_up->value, parameters.down->value, adapter_value(parameters), context);
}

}  // namespace phidias::kernels
