// Which modules targets name, what is refused, and what is declared for linear layers, fused parts and experts.
#include "models/layers/lora.h"

#include <gtest/gtest.h>

#include "base/error.h"
#include "models/layers/linear.h"

namespace phidias::models {
namespace {

using Shape = std::vector<std::int64_t>;
using Names = std::vector<std::string>;

configs::LoraSection section(std::vector<std::string> targets) {
  configs::LoraSection result;
  result.rank = 4;
  result.alpha = 8.0;
  result.targets = std::move(targets);
  return result;
}

// Two layers of three linear modules and three experts each, and the head.
std::vector<AdaptableModule> modules() {
  std::vector<AdaptableModule> result;
  for (const char* layer : {"model.layers.0.", "model.layers.1."}) {
    for (const char* name : {"self_attn.q_proj", "self_attn.k_proj", "block_sparse_moe.gate"}) result.push_back({std::string(layer) + name, {}});
    list_experts(std::string(layer) + "block_sparse_moe.", 3, result);
  }
  result.push_back({"lm_head", {}});
  return result;
}

std::string refusal(const configs::LoraSection& asked) {
  try {
    plan_adapters(modules(), asked);
  } catch (const ConfigError& error) {
    return error.what();
  }
  return "accepted";
}

void expect_contains(const std::string& text, const std::string& part) { EXPECT_NE(text.find(part), std::string::npos) << text; }

std::size_t count(std::vector<std::string> targets) { return plan_adapters(modules(), section(std::move(targets))).modules.size(); }

TEST(AdapterTargets, APlainNameIsTheLastPartOrADottedEnd) {
  EXPECT_EQ(count({"q_proj"}), 2U);
  EXPECT_EQ(count({"self_attn.q_proj", "gate"}), 4U);
  EXPECT_EQ(count({"model.layers.1.self_attn.k_proj"}), 1U);
  EXPECT_EQ(count({"w1"}), 6U);
  expect_contains(refusal(section({"proj"})), "\"proj\"");
}

TEST(AdapterTargets, APatternIsMatchedAgainstWholePaths) {
  EXPECT_EQ(count({"*_proj"}), 4U);
  EXPECT_EQ(count({"model.layers.0.self_attn.?_proj"}), 2U);
  EXPECT_EQ(count({"*.experts.*.w[13]"}), 12U);
  expect_contains(refusal(section({"self_attn.*"})), "no linear module");
}

TEST(AdapterTargets, AllLinearIsEveryModuleButTheHead) { EXPECT_EQ(count({"all-linear"}), modules().size() - 1); }

TEST(AdapterTargets, WhatMatchesNothingIsRefusedWithWhatExists) {
  const std::string message = refusal(section({"q_proj", "gate_proj", "up_proj"}));
  expect_contains(message, "\"gate_proj\"\n  \"up_proj\"");
  expect_contains(message, "q_proj, k_proj, gate, w1, w2, w3");
  expect_contains(message, "model.layers.0.self_attn.q_proj");
  EXPECT_EQ(message.find("\"q_proj\""), std::string::npos);
}

TEST(AdapterTargets, PartOfTheExpertsIsRefusedWithCounts) {
  expect_contains(refusal(section({"experts.1.w1"})), "model.layers.0.block_sparse_moe.experts.*.w1: 1 of 3");
  expect_contains(refusal(section({"w2", "*.experts.[01].w1"})), "model.layers.1.block_sparse_moe.experts.*.w1: 2 of 3");
  EXPECT_EQ(refusal(section({"w2", "model.layers.0.block_sparse_moe.experts.*.w1"})), "accepted") << "the experts of one layer";
  EXPECT_EQ(refusal(section({"*.experts.0.w1", "*.experts.1.w1", "*.experts.2.w1"})), "accepted");
}

TEST(AdapterTargets, TheHeadIsRefused) {
  expect_contains(refusal(section({"lm_head"})), "lm_head");
  expect_contains(refusal(section({"*"})), "lm_head");
}

TEST(AdapterTargets, RankAlphaAndTargetsAreNeeded) {
  configs::LoraSection asked = section({"q_proj"});
  asked.alpha.reset();
  expect_contains(refusal(asked), "model.lora.alpha");
  asked = section({"q_proj"});
  asked.rank = 0;
  expect_contains(refusal(asked), "model.lora.rank");
  expect_contains(refusal(section({})), "model.lora.targets is empty");
}

TEST(AdapterTargets, TheScaleIsAlphaOverRankOrItsRoot) {
  configs::LoraSection asked = section({"w1"});
  EXPECT_DOUBLE_EQ(lora_scale(asked), 2.0);
  asked.rslora = true;
  EXPECT_DOUBLE_EQ(lora_scale(asked), 4.0);
}

std::vector<std::string> tensor_names(const ParameterDeclaration& declaration) {
  std::vector<std::string> names;
  for (const LogicalTensor& tensor : declaration.tensors) names.push_back(tensor.name);
  return names;
}

AdapterPlan plan_of(std::set<std::string> chosen) {
  AdapterPlan plan;
  plan.rank = 4;
  plan.modules = std::move(chosen);
  return plan;
}

TEST(AdapterDeclarations, AFusedWeightHasOneStorageWithTheTensorsOfItsAdaptedParts) {
  Linear linear(16, 24, false, {{"q_proj", 12}, {"k_proj", 4}, {"v_proj", 8}});
  linear.add_adapters("layers.3.qkv.", 3, plan_of({"layers.3.q_proj", "layers.3.v_proj"}));
  std::vector<ParameterDeclaration> all;
  linear.collect("layers.3.qkv.", 3, all);
  ASSERT_EQ(all.size(), 3U);
  const ParameterDeclaration &a = all[1], &b = all[2];
  EXPECT_FALSE(all[0].adapter);
  EXPECT_TRUE(a.adapter && b.adapter && a.matrix && b.matrix);
  EXPECT_EQ(a.block, 3);
  EXPECT_EQ(a.shape, (Shape{8, 16}));
  EXPECT_EQ(b.shape, (Shape{20, 4}));
  EXPECT_EQ(tensor_names(a), (Names{"layers.3.q_proj.lora_A.weight", "layers.3.v_proj.lora_A.weight"}));
  EXPECT_EQ(tensor_names(b), (Names{"layers.3.q_proj.lora_B.weight", "layers.3.v_proj.lora_B.weight"}));
  EXPECT_EQ(b.tensors[1].shape, (Shape{8, 4}));
  EXPECT_EQ(b.tensors[1].offset, 48);
  EXPECT_EQ(a.initialisation, Initialisation::uniform);
  EXPECT_DOUBLE_EQ(a.scale, 0.25);  // 1 / sqrt(16)
  EXPECT_EQ(b.initialisation, Initialisation::zeros);
}

TEST(AdapterDeclarations, LocalExpertsAreStackedUnderTheirGlobalNumbers) {
  Layer owner;
  kernels::ExpertLora lora;
  declare_expert_factors(owner, "moe.", 0, {.count = 4, .first = 2, .local = 2, .hidden = 16, .inner = 32},
                         plan_of({"moe.experts.0.w2", "moe.experts.1.w2", "moe.experts.2.w2", "moe.experts.3.w2"}), lora);
  EXPECT_EQ(lora.gate_a, nullptr);
  EXPECT_EQ(lora.up_b, nullptr);
  ASSERT_NE(lora.down_a, nullptr);
  std::vector<ParameterDeclaration> all;
  owner.collect("moe.", 0, all);
  ASSERT_EQ(all.size(), 2U);
  EXPECT_EQ(all[0].shape, (Shape{2, 4, 32}));
  EXPECT_EQ(all[1].shape, (Shape{2, 16, 4}));
  EXPECT_EQ(tensor_names(all[0]), (Names{"moe.experts.2.w2.lora_A.weight", "moe.experts.3.w2.lora_A.weight"}));
  EXPECT_EQ(all[1].tensors[1].offset, 64);
  EXPECT_EQ(all[0].placement, Placement::expert);
}

TEST(AdapterDeclarations, DropoutDrawsDifferBetweenLayersAndModules) {
  EXPECT_NE(adapter_site("model.layers.0.self_attn.q_proj", 0), adapter_site("model.layers.1.self_attn.q_proj", 1));
  EXPECT_NE(adapter_site("model.layers.0.self_attn.q_proj", 0), adapter_site("model.layers.0.self_attn.o_proj", 0));
}

}  // namespace
}  // namespace phidias::models
