#include "models/layers/moe.h"

#include "base/error.h"
#include "kernels/sparse_mixer.h"
#include "models/layers/lora.h"

namespace phidias::models {

namespace {

const configs::ModelConfig& checked(const configs::ModelConfig& config, const kernels::ExpertRanks& ranks) {
  if (config.experts_per_token != 2 || config.num_experts < 2 || config.num_experts > 64) {
    throw ConfigError("num_experts_per_tok " + std::to_string(config.experts_per_token) + " of num_local_experts " + std::to_string(config.num_experts) +
                      ": SparseMixer chooses 2 of 2 to 64 experts");
  }
  if (config.num_experts % ranks.size != 0) {
    throw ConfigError("parallel.expert: " + std::to_string(config.num_experts) + " experts cannot be shared equally by " + std::to_string(ranks.size) +
                      " ranks; use a divisor of " + std::to_string(config.num_experts));
  }
  return config;
}

}  // namespace

ExpertStack::ExpertStack(const configs::ModelConfig& config, const kernels::ExpertRanks& ranks)
    : hidden_(config.hidden_size),
      inner_(config.intermediate_size),
      first_(ranks.rank * (config.num_experts / ranks.size)),
      local_(config.num_experts / ranks.size) {
  parameters_.count = config.num_experts;
  parameters_.gate_up = &declare("gate_up_proj", {local_, 2 * inner_, hidden_});
  parameters_.down = &declare("down_proj", {local_, hidden_, inner_});
  parameters_.ranks = ranks;
}

void ExpertStack::name_tensors(const std::string& path, ParameterDeclaration& declaration) const {
  declaration.placement = Placement::expert;
  const bool is_down = declaration.name == path + "down_proj";
  const std::int64_t size = hidden_ * inner_;
  for (std::int64_t e = 0; e < local_; ++e) {
    const std::string expert = path + std::to_string(first_ + e);
    if (is_down) {
      declaration.tensors.push_back({expert + ".w2.weight", {hidden_, inner_}, e * size});
    } else {
      declaration.tensors.push_back({expert + ".w1.weight", {inner_, hidden_}, 2 * e * size});
      declaration.tensors.push_back({expert + ".w3.weight", {inner_, hidden_}, (2 * e + 1) * size});
    }
  }
}

void ExpertStack::adapt(const std::string& path, int block, const AdapterPlan& plan) {
  declare_expert_factors(*this, path, block, {parameters_.count, first_, local_, hidden_, inner_}, plan, lora_);
  parameters_.lora = lora_.empty() ? nullptr : &lora_;
}

SparseMoe::SparseMoe(const configs::ModelConfig& config, const kernels::ExpertRanks& ranks)
    : num_experts_(checked(config, ranks).num_experts),
      router_jitter_(config.router_jitter),
      input_jitter_(config.input_jitter),
      gate_(register_module("gate", std::make_shared<Linear>(config.hidden_size, config.num_experts))),
      experts_(register_module("experts", std::make_shared<ExpertStack>(config, ranks))) {}

void SparseMoe::list_adaptable(const std::string& path, std::vector<AdaptableModule>& modules) const {
  Layer::list_adaptable(path, modules);
  list_experts(path, num_experts_, modules);
}

void SparseMoe::add_adapters(const std::string& path, int block, const AdapterPlan& plan) {
  Layer::add_adapters(path, block, plan);
  experts_->adapt(path, block, plan);
}

kernels::Routing SparseMoe::route(const at::Tensor& x, const BlockContext& context, bool sampled) {
  const auto& [attend, block, options, draw_keys] = context;
  const bool frozen = options.router == configs::Router::frozen;
  if (frozen && gate_->adapted())
    throw ConfigError("model.router: frozen, but the router has an adapter; leave \"gate\" out of model.lora.targets or use router: deterministic");
  const at::Tensor scores = frozen ? kernels::router_scores(x, gate_->weight(), true) : gate_->forward(x, draw_keys);
  const kernels::SparseMixerOptions mixer{router_jitter_, sampled, block};
  if (!options.routing) return kernels::sparse_mixer(scores, mixer, draw_keys, nullptr, {});

  RoutingRecord& record = *options.routing;
  if (record.layers.size() <= block) record.layers.resize(block + 1);
  kernels::LayerRouting& layer = record.layers[block];
  // The record lives as long as the graph that may ask it.
  const auto aux_gradient = [routing = context.options.routing] { return routing->aux_gradient; };
  const kernels::Routing routing = kernels::sparse_mixer(scores, mixer, draw_keys, &layer, aux_gradient);
  if (record.keep_choices) {
    layer.experts = routing.experts;
    layer.weights = routing.weights.detach();
  }
  return routing;
}

at::Tensor SparseMoe::forward(const at::Tensor& x_in, const BlockContext& context) {
  const bool sampled = context.draw_keys.defined() && context.options.router == configs::Router::sparsemixer;
  const at::Tensor x = sampled ? kernels::input_jitter(x_in, input_jitter_, context.draw_keys, context.block) : x_in;
  const kernels::Routing routing = route(x, context, sampled);
  return kernels::expert_mlp(x, routing.experts, routing.weights, experts_->parameters(), context.draw_keys);
}

}  // namespace phidias::models
