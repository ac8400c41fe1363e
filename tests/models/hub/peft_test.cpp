// PEFT directories: what is read, what is refused by name, byte-equal round trips, merging in ranges.
#include "models/hub/peft.h"

#include <ATen/ops/empty.h>
#include <gtest/gtest.h>

#include <functional>

#include "base/atomic_file.h"
#include "base/error.h"
#include "models/hub/merge.h"
#include "tests/models/golden_case.h"

namespace phidias::models {
namespace {

namespace fs = std::filesystem;

fs::path case_path(const std::string& name) { return fs::path(PHIDIAS_SOURCE_DIR) / "tests/golden/lora" / name; }

// A copy of a case whose configuration was edited.
fs::path edited(const TemporaryDirectory& directory, const std::function<void(Json&)>& edit, const std::string& name = "rslora_two") {
  const fs::path copy = directory.path() / "edited";
  fs::remove_all(copy);
  fs::create_directories(copy);
  fs::copy(case_path(name) / "adapter_model.safetensors", copy / "adapter_model.safetensors");
  Json json = read_json(case_path(name) / "adapter_config.json");
  json["base_model_name_or_path"] = base_directory(case_path(name)).string();
  edit(json);
  write_file_atomic(copy / "adapter_config.json", json.dump(2));
  return copy;
}

template <typename Error, typename Call>
std::string refusal(const Call& call) {
  try {
    call();
  } catch (const Error& error) {
    return error.what();
  }
  return "accepted";
}
void expect_contains(const std::string& text, const std::string& part) { EXPECT_NE(text.find(part), std::string::npos) << text; }

std::unique_ptr<CausalLM> adapted_model(const AdapterDirectory& adapter) {
  auto model = make_model(read_model_config(base_directory(adapter.path())));
  model->add_adapters(adapter.lora());
  return model;
}

TEST(Peft, TheSectionIsReadFromTheConfiguration) {
  const AdapterDirectory adapter(case_path("rslora_two"));
  EXPECT_EQ(adapter.lora().rank, 3);
  EXPECT_DOUBLE_EQ(adapter.lora().alpha.value(), 4.5);
  EXPECT_DOUBLE_EQ(adapter.lora().dropout, 0.1);
  EXPECT_TRUE(adapter.lora().rslora);
  EXPECT_EQ(std::set<std::string>(adapter.lora().targets.begin(), adapter.lora().targets.end()), (std::set<std::string>{"qkv_proj", "down_proj"}));
  EXPECT_EQ(adapter.base(), "../../phi3/gqa_longrope");
  EXPECT_EQ(adapter.modules().size(), 4U);
}

TEST(Peft, AnExpressionIsReplacedByTheModulesOfTheTensors) {
  const TemporaryDirectory directory;
  const AdapterDirectory adapter(edited(directory, [](Json& json) { json["target_modules"] = ".*(qkv|down)_proj"; }));
  EXPECT_EQ(adapter.lora().targets, std::vector<std::string>(adapter.modules().begin(), adapter.modules().end()));
  EXPECT_NO_THROW(adapter_reader(adapter, *adapted_model(adapter)));
}

TEST(Peft, WhatIsNotComputedIsRefusedByName) {
  const TemporaryDirectory directory;
  const std::map<std::string, Json> fields = {{"use_dora", true},
                                              {"bias", "all"},
                                              {"modules_to_save", {"lm_head"}},
                                              {"rank_pattern", {{"o_proj", 8}}},
                                              {"layers_to_transform", {0}},
                                              {"trainable_token_indices", {1}},
                                              {"init_lora_weights", "pissa"},
                                              {"task_type", "SEQ_CLS"},
                                              {"peft_type", "IA3"},
                                              {"some_new_field", 1},
                                              {"r", 0},
                                              {"r", "x"},
                                              {"lora_alpha", nullptr},
                                              {"target_modules", Json::array()}};
  for (const auto& [name, value] : fields) {
    const fs::path copy = edited(directory, [&name = name, &value = value](Json& json) { json[name] = value; });
    expect_contains(refusal<ConfigError>([&] { AdapterDirectory{copy}; }), name);
  }
}

TEST(Peft, TensorsThatDoNotFitAreNamed) {
  const TemporaryDirectory directory;
  const AdapterDirectory adapter(case_path("rslora_two"));
  const auto wrong_rank = edited(directory, [](Json& json) { json["r"] = 5; });
  const AdapterDirectory other(wrong_rank);
  expect_contains(refusal<CheckpointError>([&] { adapter_reader(other, *adapted_model(other)); }), "down_proj.lora_A.weight is [3, 40] instead of [5, 40]");
  const ModelDirectory base(base_directory(wrong_rank));
  expect_contains(refusal<CheckpointError>([&] { MergedWeights(base, other); }), "rank 3 instead of 5");
  const ModelDirectory other_base(golden_path("head_96"));
  expect_contains(refusal<CheckpointError>([&] { MergedWeights(other_base, adapter); }), "the base has no model.layers.1.");

  const fs::path more_targets = edited(directory, [](Json& json) { json["target_modules"] = {"qkv_proj", "down_proj", "o_proj"}; });
  const AdapterDirectory incomplete(more_targets);
  expect_contains(refusal<CheckpointError>([&] { adapter_reader(incomplete, *adapted_model(incomplete)); }), "o_proj.lora_A.weight is missing");
  expect_contains(refusal<CheckpointError>([&] { MergedWeights(base, incomplete); }), "o_proj.lora_A.weight is missing");
  const fs::path fewer_targets = edited(directory, [](Json& json) { json["target_modules"] = {"qkv_proj"}; });
  const AdapterDirectory extra(fewer_targets);
  expect_contains(refusal<CheckpointError>([&] { adapter_reader(extra, *adapted_model(extra)); }), "down_proj is not adapted");
}

TEST(Peft, DamagedDirectoriesAreRefused) {
  const TemporaryDirectory directory;
  const fs::path copy = edited(directory, [](Json&) {});
  const at::Tensor tensor = at::zeros({2, 2});
  const auto with_tensors = [&](std::vector<TensorToWrite> tensors) {
    write_safetensors(copy / "adapter_model.safetensors", std::move(tensors));
    return refusal<CheckpointError>([&] { AdapterDirectory{copy}; });
  };
  expect_contains(with_tensors({tensor_to_write("base_model.model.x.lora_A.weight", tensor)}), "has no counterpart");
  expect_contains(with_tensors({tensor_to_write("model.x.lora_A.weight", tensor)}), "is not base_model.model.<module>");
  expect_contains(with_tensors({tensor_to_write("base_model.model.x.lora_magnitude_vector", tensor)}), "lora_magnitude_vector");
  expect_contains(with_tensors({}), "holds no adapters");
  fs::remove(copy / "adapter_model.safetensors");
  write_file_atomic(copy / "adapter_model.bin", "x");
  expect_contains(refusal<CheckpointError>([&] { AdapterDirectory{copy}; }), "pickle");
}

TEST(Peft, ABaseThatIsNotHereIsAskedFor) {
  const TemporaryDirectory directory;
  const fs::path copy = edited(directory, [](Json& json) { json["base_model_name_or_path"] = "microsoft/Phi-3-mini-4k-instruct"; });
  expect_contains(refusal<CheckpointError>([&] { load_model(copy); }), "--model BASE --adapter");
}

TEST(Peft, ADirectoryGoesOutAsItCameIn) {
  for (const char* name : {"all_linear", "rslora_two"}) {
    const TemporaryDirectory directory;
    const AdapterDirectory adapter(case_path(name));
    const auto model = adapted_model(adapter);
    save_adapter_directory(directory.path() / "out", *model, [&](const std::string& tensor) { return adapter.tensor(tensor); },
                           {.lora = adapter.lora(), .base = adapter.base(), .source = adapter.path()});
    for (const char* file : {"adapter_config.json", "adapter_model.safetensors"})
      EXPECT_EQ(read_file(directory.path() / "out" / file), read_file(case_path(name) / file)) << name << " " << file;
  }
}

TEST(Peft, TheConfigurationWrittenIsPeftsOwnButForTheOrderOfTargets) {
  for (const char* name : {"all_linear", "rslora_two"}) {
    const TemporaryDirectory directory;
    const AdapterDirectory adapter(case_path(name));
    const auto model = adapted_model(adapter);
    const at::Tensor storage = allocate(*model, at::kFloat, at::kCPU);
    initialise(*model, 1);
    save_adapter_directory(directory.path() / "out", *model, {.lora = adapter.lora(), .base = adapter.base(), .companions = golden_path("gqa_longrope")});
    // PEFT writes a set: any order.
    const auto sorted = [](const fs::path& file) {
      OrderedJson json = OrderedJson::parse(read_file(file));
      auto targets = json["target_modules"].get<std::vector<std::string>>();
      std::sort(targets.begin(), targets.end());
      json["target_modules"] = targets;
      return json.dump(2);
    };
    EXPECT_EQ(sorted(directory.path() / "out" / "adapter_config.json"), sorted(case_path(name) / "adapter_config.json"));
    EXPECT_EQ(read_file(directory.path() / "out" / "adapter_config.json").back(), '}');
    EXPECT_TRUE(fs::exists(directory.path() / "out" / "generation_config.json"));
    EXPECT_FALSE(fs::exists(directory.path() / "out" / "config.json"));
    EXPECT_TRUE(is_adapter_directory(directory.path() / "out"));
  }
}

TEST(Peft, PatternsAreWrittenAsTheModulesTheyMatched) {
  const TemporaryDirectory directory;
  configs::LoraSection section = AdapterDirectory(case_path("rslora_two")).lora();
  section.targets = {"model.layers.1.*.o_*"};
  const auto model = make_model(read_model_config(golden_path("gqa_longrope")));
  model->add_adapters(section);
  const at::Tensor storage = allocate(*model, at::kFloat, at::kCPU);
  initialise(*model, 1);
  save_adapter_directory(directory.path() / "out", *model, {.lora = section, .base = golden_path("gqa_longrope").string()});
  EXPECT_EQ(read_json(directory.path() / "out" / "adapter_config.json")["target_modules"], Json({"model.layers.1.self_attn.o_proj"}));
  EXPECT_NO_THROW(load_model(directory.path() / "out"));
}

TEST(Merge, RangesAreCutFromTheSameBitsAndFrozenTensorsAreTheBases) {
  const ModelDirectory base(base_directory(case_path("rslora_two")));
  const AdapterDirectory adapter(case_path("rslora_two"));
  const MergedWeights merged(base, adapter);
  const auto model = make_model(base.config());
  const RangeReader read = merged.reader(*model);
  for (const ParameterDeclaration& declaration : model->declarations()) {
    const LogicalTensor& tensor = declaration.tensors.front();
    const at::Tensor whole = merged.tensor(tensor.name).view({-1});
    const std::int64_t begin = tensor.count() / 3, end = tensor.count() - 1;
    const at::Tensor part = at::empty({end - begin});
    read(declaration, tensor, begin, end, part);
    EXPECT_TRUE(part.equal(whole.narrow(0, begin, end - begin))) << tensor.name;
    const bool adapted = tensor.name.find("qkv_proj") != std::string::npos || tensor.name.find("down_proj") != std::string::npos;
    EXPECT_EQ(whole.equal(base.tensor(tensor.name).view({-1})), !adapted) << tensor.name;
  }
}

}  // namespace
}  // namespace phidias::models
