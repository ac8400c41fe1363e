// Which linear modules carry low-rank adapters, and their declarations. The arithmetic is kernels/lora.h (linear layers) and kernels/expert_mlp.h.
//
// Modules are named by their paths in the checkpoint ("model.layers.0.self_attn.q_proj", "model.layers.0.block_sparse_moe.experts.3.w1"), fused or
// stacked as the weights may be here. A is "<module>.lora_A.weight" [rank, in], uniform in (-1/sqrt(in), 1/sqrt(in)) as PEFT draws it; B is
// "<module>.lora_B.weight" [out, rank], zeros. Both are float32 and declared with `adapter`.
#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include "configs/run_config.h"
#include "kernels/lora.h"
#include "models/layers/layer.h"

namespace phidias::models {

struct AdaptableModule {
  std::string path;
  std::string experts;  // of an expert's matrix: what its siblings share ("model.layers.0.block_sparse_moe.experts.*.w1"); else empty
};

struct AdapterPlan {
  std::int64_t rank = 0;
  double scale = 1.0, dropout = 0.0;
  std::set<std::string> modules;
  bool contains(const std::string& path) const { return modules.contains(path); }
};

// `all-linear`: every module but the head. A target with *, ? or [ is a shell pattern over whole paths; any other matches a path that it equals or ends
// (after a dot), as in PEFT. Throws ConfigError when a target matches nothing, the head, or part of the experts; and without rank, alpha or targets.
AdapterPlan plan_adapters(const std::vector<AdaptableModule>& modules, const configs::LoraSection& section);

// alpha / rank, or alpha / sqrt(rank).
double lora_scale(const configs::LoraSection& section);

// Where the dropout of a layer's adapters draws. `path`: without a dot at the end.
std::uint64_t adapter_site(const std::string& path, int block);

struct LoraFactors {
  kernels::Parameter *a = nullptr, *b = nullptr;
};
struct AdaptedRows {
  std::string path;  // the module's
  std::int64_t rows = 0;
};
// A [n * rank, in] and B [sum of rows, rank] of modules that share an input, as children lora_A and lora_B of `owner`.
LoraFactors declare_factors(Layer& owner, const std::vector<AdaptedRows>& modules, std::int64_t in, const AdapterPlan& plan);

// What a mixture of experts overrides Layer::list_adaptable and add_adapters with, besides calling Layer's for its children. `path`: of the mixture,
// with a dot at the end; modules are "<path>experts.<e>.w1", w2 and w3.
struct LocalExperts {
  std::int64_t count = 0;             // over all ranks
  std::int64_t first = 0, local = 0;  // declared here
  std::int64_t hidden = 0, inner = 0;
};
void list_experts(const std::string& path, std::int64_t count, std::vector<AdaptableModule>& modules);
// Sets what the plan asks for in `lora`; matrices that are not adapted stay null. Children of `owner`: w1_lora_A, w1_lora_B, ...
void declare_expert_factors(Layer& owner, const std::string& path, int block, const LocalExperts& experts, const AdapterPlan& plan, kernels::ExpertLora& lora);

}  // namespace phidias::models
