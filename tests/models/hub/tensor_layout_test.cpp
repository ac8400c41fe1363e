// The three layouts of a mixture's files mean the same model; what is missing or doubled is named; the whole model is listed alike on every layout.
#include "models/hub/tensor_layout.h"

#include <ATen/ops/arange.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/stack.h>
#include <ATen/ops/zeros.h>
#include <gtest/gtest.h>

#include "base/atomic_file.h"
#include "base/error.h"
#include "configs/presets.h"
#include "models/hub/config_json.h"
#include "tests/models/golden_case.h"

namespace phidias::models {
namespace {

namespace fs = std::filesystem;

constexpr std::int64_t kHidden = 64, kInner = 96, kExperts = 4, kLayers = 2;

// phimoe-tiny on a rank of an expert axis with `ranks` of them.
struct Mixture {
  explicit Mixture(int rank = 0, int ranks = 1)
      : model(make_model(configs::read_preset("phimoe-tiny"), {.host = nullptr, .device = nullptr, .rank = rank, .size = ranks})),
        storage(allocate(*model, at::kFloat, at::kCPU)) {}
  const CausalLM& operator*() const { return *model; }
  std::unique_ptr<CausalLM> model;
  at::Tensor storage;
};

using Tensors = std::map<std::string, at::Tensor>;

// Every tensor of the model by released name, all values different (they stay below 2^24: exact in float32).
Tensors released() {
  Tensors tensors;
  double first = 0.0;
  for (const LogicalTensor& tensor : all_checkpoint_tensors(*Mixture())) {
    tensors[tensor.name] = at::arange(first, first + static_cast<double>(tensor.count()), at::kFloat).view(tensor.shape);
    first += static_cast<double>(tensor.count());
  }
  return tensors;
}

std::string replaced(std::string text, const std::string& from, const std::string& to) {
  const std::size_t at = text.find(from);
  return at == std::string::npos ? text : text.replace(at, from.size(), to);
}

Tensors stacked() {
  const Tensors all = released();
  Tensors tensors;
  for (const auto& [name, value] : all)
    if (name.find("block_sparse_moe") == std::string::npos) tensors[name] = value;
  for (std::int64_t layer = 0; layer < kLayers; ++layer) {
    const std::string from = "model.layers." + std::to_string(layer) + ".block_sparse_moe.", to = replaced(from, "block_sparse_moe", "mlp");
    std::vector<at::Tensor> gate_up, down;
    for (std::int64_t expert = 0; expert < kExperts; ++expert) {
      const std::string name = from + "experts." + std::to_string(expert) + ".";
      gate_up.push_back(at::cat({all.at(name + "w1.weight"), all.at(name + "w3.weight")}));
      down.push_back(all.at(name + "w2.weight"));
    }
    tensors[to + "router.weight"] = all.at(from + "gate.weight");
    tensors[to + "experts.gate_up_proj"] = at::stack(gate_up);
    tensors[to + "experts.down_proj"] = at::stack(down);
  }
  return tensors;
}

Tensors release_candidate() {
  Tensors tensors;
  for (const auto& [name, value] : released()) {
    const std::string moved = replaced(replaced(name, "block_sparse_moe", "mlp"), "gate.weight", "router.weight");
    tensors[expert_of(name) >= 0 ? replaced(moved, ".weight", "") : moved] = value;
  }
  return tensors;
}

class Directory : public TemporaryDirectory {
 public:
  explicit Directory(const Tensors& tensors) {
    const std::string config = model_config_to_json(configs::read_preset("phimoe-tiny"), "float32").dump();
    write_file_atomic(path() / "config.json", config);
    std::vector<TensorToWrite> list;
    for (const auto& [name, value] : tensors) list.push_back(tensor_to_write(name, value));
    write_safetensors(path() / "model.safetensors", list);
  }
};

void expect_loaded(const CausalLM& model, const Tensors& expected) {
  for (const ParameterDeclaration& declaration : model.declarations())
    for (const LogicalTensor& tensor : declaration.tensors) {
      const at::Tensor value = declaration.parameter->value.view({-1}).narrow(0, tensor.offset, tensor.count()).view(tensor.shape);
      EXPECT_TRUE(value.equal(expected.at(tensor.name))) << tensor.name;
    }
}

std::string refusal(const Tensors& tensors, int rank = 0, int ranks = 1) {
  const Directory files(tensors);
  try {
    const ModelDirectory directory(files.path());
    load_weights(directory, *Mixture(rank, ranks));
  } catch (const CheckpointError& error) {
    return replaced(error.what(), files.path().string(), "DIR");
  }
  return "accepted";
}

TEST(TensorLayout, AllThreeLayoutsLoadTheSameModel) {
  for (const Tensors& tensors : {released(), stacked(), release_candidate()}) {
    const Directory files(tensors);
    const ModelDirectory directory(files.path());
    const Mixture model;
    load_weights(directory, *model);
    expect_loaded(*model, released());
  }
}

TEST(TensorLayout, AStackedExpertIsAViewIntoTheFile) {
  const Directory files(stacked());
  const ModelDirectory directory(files.path());
  const std::string path = "model.layers.1.block_sparse_moe.experts.";
  const auto address = [&](const std::string& name) { return static_cast<const float*>(directory.tensor(path + name).const_data_ptr()); };
  EXPECT_EQ(address("0.w3.weight") - address("0.w1.weight"), kInner * kHidden);
  EXPECT_EQ(address("2.w1.weight") - address("0.w1.weight"), 2 * 2 * kInner * kHidden);
  EXPECT_EQ(address("3.w2.weight") - address("1.w2.weight"), 2 * kHidden * kInner);
}

TEST(TensorLayout, ARankReadsItsOwnExpertsOfEveryLayout) {
  for (const Tensors& tensors : {released(), stacked(), release_candidate()}) {
    const Directory files(tensors);
    const ModelDirectory directory(files.path());
    const Mixture model(1, 2);
    load_weights(directory, *model);
    expect_loaded(*model, released());
  }
}

TEST(TensorLayout, AMissingExpertIsNamedOnEveryRankAlike) {
  Tensors tensors = released();
  std::erase_if(tensors, [](const auto& entry) { return entry.first.find("layers.1.block_sparse_moe.experts.3.") != std::string::npos; });
  tensors.erase("model.layers.0.block_sparse_moe.experts.0.w2.weight");
  const std::string all = refusal(tensors);
  EXPECT_EQ(all,
            "DIR does not fit its config.json:\n  2 experts missing or incomplete: expert 0 of layer 0 (w2.weight), expert 3 of layer 1 (w1.weight, w3.weight, "
            "w2.weight)");
  EXPECT_EQ(refusal(tensors, 0, 2), all);  // a rank that owns neither of layer 1's
  EXPECT_EQ(refusal(tensors, 1, 2), all);
}

TEST(TensorLayout, WhatDoesNotBelongIsRefused) {
  Tensors fifth = released();
  fifth["model.layers.0.block_sparse_moe.experts.4.w1.weight"] = at::zeros({kInner, kHidden});
  EXPECT_EQ(refusal(fifth, 0, 2), "DIR does not fit its config.json:\n  1 tensor unknown to the model: model.layers.0.block_sparse_moe.experts.4.w1.weight");
  Tensors three = stacked();
  three["model.layers.0.mlp.experts.down_proj"] = at::zeros({3, kHidden, kInner});
  EXPECT_EQ(refusal(three),
            "DIR/model.safetensors: model.layers.0.mlp.experts.down_proj stacks experts of another shape than config.json says: [3, 64, 96] "
            "instead of [4, 64, 96]");
  Tensors twice = released();
  twice["model.layers.0.mlp.router.weight"] = at::zeros({kExperts, kHidden});
  EXPECT_NE(refusal(twice).find("model.layers.0.block_sparse_moe.gate.weight is stored twice"), std::string::npos) << refusal(twice);
}

TEST(TensorLayout, TheWholeModelIsListedAlikeOnEveryLayout) {
  const Mixture one;
  const std::vector<LogicalTensor> whole = all_checkpoint_tensors(*one);
  EXPECT_EQ(checkpoint_tensors(*one).size(), whole.size());
  for (const int rank : {0, 1, 2, 3}) {
    const Mixture part(rank, 4);
    const std::vector<LogicalTensor> listed = all_checkpoint_tensors(*part);
    ASSERT_EQ(listed.size(), whole.size());
    for (std::size_t i = 0; i < whole.size(); ++i) {
      EXPECT_EQ(listed[i].name, whole[i].name);
      EXPECT_EQ(listed[i].shape, whole[i].shape);
      EXPECT_EQ(listed[i].offset, whole[i].offset) << whole[i].name;
    }
    EXPECT_EQ(checkpoint_tensors(*part).size(), whole.size() - static_cast<std::size_t>(kLayers * 3 * (kExperts - 1)));
    EXPECT_EQ(save_order(*part, {.max_shard_bytes = 100000}), save_order(*one, {.max_shard_bytes = 100000}));
  }
}

TEST(TensorLayout, ARankWithSomeExpertsWritesTheWholeModelInTheReleasedLayout) {
  const Directory source(stacked());
  const TemporaryDirectory out;
  const Tensors values = released();
  std::vector<std::string> asked;
  const TensorProvider provider = [&](const std::string& name) {
    asked.push_back(name);
    return values.at(name);
  };
  for (const std::int64_t max_bytes : {std::int64_t{1} << 40, std::int64_t{100000}}) {  // one file, and shards
    asked.clear();
    const SaveOptions options = {.source = source.path(), .dtype = at::kFloat, .max_shard_bytes = max_bytes};
    const Mixture part(1, 4);
    save_model_directory(out.path() / "saved", *part, provider, options);
    EXPECT_EQ(asked, save_order(*part, options));
    const ModelDirectory saved(out.path() / "saved");
    EXPECT_EQ(saved.tensors().size(), values.size());
    for (const auto& [name, stored] : saved.tensors()) {
      EXPECT_EQ(stored.name, name);
      EXPECT_TRUE(saved.tensor(name).equal(values.at(name))) << name;
    }
  }
}

TEST(TensorLayout, NumbersOfExpertsAreReadFromNames) {
  EXPECT_EQ(expert_of("model.layers.0.block_sparse_moe.experts.12.w1.weight"), 12);
  EXPECT_EQ(expert_of("model.layers.0.mlp.experts.gate_up_proj"), -1);
  EXPECT_EQ(expert_of("model.layers.0.mlp.down_proj.weight"), -1);
  EXPECT_EQ(with_expert("a.experts.12.w1.weight", 3), "a.experts.3.w1.weight");
}

}  // namespace
}  // namespace phidias::models
