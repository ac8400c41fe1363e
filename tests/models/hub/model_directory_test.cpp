#include "models/hub/model_directory.h"

#include <gtest/gtest.h>

#include <fstream>
#include <string>

#include "base/atomic_file.h"
#include "base/error.h"
#include "configs/presets.h"
#include "models/hub/config_json.h"
#include "tests/models/golden_case.h"

namespace phidias::models {
namespace {

namespace fs = std::filesystem;

// A copy of a golden directory that a test may damage.
class CopiedDirectory : public TemporaryDirectory {
 public:
  explicit CopiedDirectory(const std::string& name = "mha_window") { fs::copy(golden_path(name), path(), fs::copy_options::recursive); }
  void edit_config(const std::function<void(Json&)>& edit) const {
    Json json = read_json(path() / "config.json");
    edit(json);
    write_file_atomic(path() / "config.json", json.dump());
  }
  void edit_tensors(const std::function<void(std::vector<TensorToWrite>&)>& edit) const {
    const SafetensorsFile file(path() / "model.safetensors");
    std::vector<TensorToWrite> tensors;
    for (const TensorEntry& entry : file.header().tensors) tensors.push_back(tensor_to_write(entry.name, file.tensor(entry.name).clone()));
    edit(tensors);
    write_safetensors(path() / "model.safetensors", tensors);
  }
  std::string refusal() const {
    try {
      load_model(path());
    } catch (const Error& error) {
      return error.what();
    }
    return "accepted";
  }
};

void expect_contains(const std::string& text, std::initializer_list<const char*> parts) {
  for (const char* part : parts) EXPECT_NE(text.find(part), std::string::npos) << "\"" << part << "\" is not in: " << text;
}

void write_text(const fs::path& path, const std::string& text) { std::ofstream(path) << text; }

TEST(ModelDirectory, WhatWentInComesOutByteEqual) {
  for (const std::string& name : golden_names()) {
    const TemporaryDirectory out;
    const LoadedModel loaded = load_model(golden_path(name));
    save_model_directory(out.path() / "copy", *loaded.model, {.source = golden_path(name), .dtype = loaded.file_dtype});
    EXPECT_TRUE(read_file(out.path() / "copy/model.safetensors") == read_file(golden_path(name) / "model.safetensors")) << name;
    for (const char* other : {"config.json", "generation_config.json", "golden.json"}) {
      EXPECT_EQ(read_file(out.path() / "copy" / other), read_file(golden_path(name) / other)) << name;
    }
  }
}

TEST(ModelDirectory, ShardedDirectoriesAreReadAndWritten) {
  const TemporaryDirectory out;
  const LoadedModel loaded = load_model(golden_path("gqa_longrope"));
  save_model_directory(out.path() / "sharded", *loaded.model, {.source = golden_path("gqa_longrope"), .dtype = at::kFloat, .max_shard_bytes = 20000});
  EXPECT_TRUE(fs::exists(out.path() / "sharded/model.safetensors.index.json"));
  const ModelDirectory original(golden_path("gqa_longrope")), sharded(out.path() / "sharded");
  ASSERT_EQ(sharded.tensors().size(), original.tensors().size());
  for (const auto& [name, file] : original.tensors()) EXPECT_TRUE(sharded.tensor(name).equal(original.tensor(name))) << name;

  for (const auto& entry : fs::directory_iterator(out.path() / "sharded")) {
    if (entry.path().filename().string().starts_with("model-00002")) fs::remove(entry.path());
  }
  try {
    const ModelDirectory broken(out.path() / "sharded");
    FAIL();
  } catch (const CheckpointError& error) {
    expect_contains(error.what(), {"files that are not there", "model-00002-of-"});
  }
}

TEST(ModelDirectory, AnotherDtypeIsConvertedAndWrittenIntoTheConfig) {
  const TemporaryDirectory out;
  const LoadedModel loaded = load_model(golden_path("mha_window"));
  save_model_directory(out.path() / "half", *loaded.model, {.source = golden_path("mha_window"), .dtype = at::kBFloat16});
  const ModelDirectory half(out.path() / "half");
  EXPECT_EQ(half.dtype(), at::kBFloat16);
  EXPECT_EQ(read_json(out.path() / "half/config.json")["dtype"], "bfloat16");
  const std::string name = "model.layers.1.mlp.down_proj.weight";
  EXPECT_TRUE(half.tensor(name).equal(ModelDirectory(golden_path("mha_window")).tensor(name).to(at::kBFloat16)));
  EXPECT_EQ(load_model(out.path() / "half", at::kFloat).model->declarations()[0].parameter->value.scalar_type(), at::kFloat);
}

// transformers 4 reads rope_scaling and rope_theta, and passes over rope_parameters without a word.
TEST(ModelDirectory, RotarySettingsOfTransformersFiveAreAlsoWrittenAsFourReadsThem) {
  const CopiedDirectory source("gqa_longrope");
  const Json before = read_json(source.path() / "config.json");
  source.edit_config([&](Json& json) {
    json["rope_parameters"] = json["rope_scaling"];
    json["rope_parameters"]["rope_theta"] = json["rope_theta"];
    json.erase("rope_scaling");
    json.erase("rope_theta");
  });
  const LoadedModel loaded = load_model(source.path());
  const TemporaryDirectory out;
  save_model_directory(out.path() / "copy", *loaded.model, {.source = source.path(), .dtype = loaded.file_dtype});
  const Json written = read_json(out.path() / "copy/config.json");
  EXPECT_EQ(written["rope_theta"], before["rope_theta"]);
  for (const char* list : {"short_factor", "long_factor"}) EXPECT_EQ(written["rope_scaling"][list], before["rope_scaling"][list]) << list;
  EXPECT_EQ(written["rope_scaling"]["type"], "longrope");
  EXPECT_TRUE(written.contains("rope_parameters"));
}

TEST(ModelDirectory, SavingReplacesADirectoryAndLeavesNothingElse) {
  const TemporaryDirectory out;
  fs::create_directories(out.path() / "final");
  write_text(out.path() / "final/stale.txt", "old");
  const LoadedModel loaded = load_model(golden_path("mha_window"));
  save_model_directory(out.path() / "final/", *loaded.model, {.source = golden_path("mha_window"), .dtype = at::kFloat});
  EXPECT_FALSE(fs::exists(out.path() / "final/stale.txt"));
  EXPECT_TRUE(fs::exists(out.path() / "final/model.safetensors"));
  EXPECT_EQ(std::distance(fs::directory_iterator(out.path()), fs::directory_iterator()), 1);
}

TEST(ModelDirectory, AFailedSaveKeepsWhatWasThere) {
  const TemporaryDirectory out;
  fs::create_directories(out.path() / "final");
  write_text(out.path() / "final/good.txt", "good");
  const LoadedModel loaded = load_model(golden_path("mha_window"));
  const TensorProvider failing = [](const std::string& name) -> at::Tensor { throw CheckpointError(name + " is lost"); };
  EXPECT_THROW(save_model_directory(out.path() / "final", *loaded.model, failing, {.source = golden_path("mha_window"), .dtype = at::kFloat}), CheckpointError);
  EXPECT_TRUE(fs::exists(out.path() / "final/good.txt"));
  EXPECT_EQ(std::distance(fs::directory_iterator(out.path()), fs::directory_iterator()), 1);
}

TEST(ModelDirectory, OtherFilesAreCopiedAndWeightsAreNot) {
  const CopiedDirectory source;
  const TemporaryDirectory out;
  fs::create_directories(source.path() / "figures");
  fs::create_directories(source.path() / ".cache/huggingface");
  for (const char* name :
       {"tokenizer.json", "README.md", "figures/a.svg", "pytorch_model.bin", "pytorch_model.bin.index.json", "model.gguf", ".cache/huggingface/x"}) {
    write_text(source.path() / name, std::string("content of ") + name);
  }
  copy_other_files(source.path(), out.path());
  EXPECT_EQ(read_file(out.path() / "figures/a.svg"), "content of figures/a.svg");
  EXPECT_TRUE(fs::exists(out.path() / "tokenizer.json") && fs::exists(out.path() / "README.md") && fs::exists(out.path() / "config.json"));
  for (const char* name : {"pytorch_model.bin", "pytorch_model.bin.index.json", "model.gguf", ".cache", "model.safetensors"})
    EXPECT_FALSE(fs::exists(out.path() / name)) << name;
}

TEST(ModelDirectory, SymbolicLinksAreFollowedAsHubCachesNeed) {
  const TemporaryDirectory hub;
  fs::create_directories(hub.path() / "snapshots/abc");
  fs::create_directories(hub.path() / "blobs");
  for (const char* name : {"config.json", "model.safetensors", "generation_config.json"}) {
    fs::copy(golden_path("mha_window") / name, hub.path() / "blobs" / name);
    fs::create_symlink(fs::path("../../blobs") / name, hub.path() / "snapshots/abc" / name);
  }
  fs::create_directory_symlink("snapshots/abc", hub.path() / "model");
  const LoadedModel loaded = load_model(hub.path() / "model");
  save_model_directory(hub.path() / "out", *loaded.model, {.source = hub.path() / "model", .dtype = at::kFloat});
  EXPECT_TRUE(fs::is_regular_file(fs::symlink_status(hub.path() / "out/config.json")));
  EXPECT_EQ(load_model(hub.path() / "out").config.num_layers, 2);
}

TEST(ModelDirectory, TensorsThatDoNotFitAreNamedAndCounted) {
  const CopiedDirectory missing;
  missing.edit_tensors([](auto& tensors) { std::erase_if(tensors, [](const TensorToWrite& t) { return t.name.find("mlp") != std::string::npos; }); });
  expect_contains(missing.refusal(), {"4 tensors missing", "model.layers.0.mlp.gate_up_proj.weight"});

  const CopiedDirectory extra;
  extra.edit_tensors([](auto& tensors) { tensors.push_back(tensor_to_write("model.layers.0.self_attn.qkv_proj.bias", at::zeros({96}, at::kFloat))); });
  expect_contains(extra.refusal(), {"1 tensor unknown to the model", "qkv_proj.bias"});

  const CopiedDirectory shape;
  shape.edit_config([](Json& json) { json["intermediate_size"] = 44; });
  expect_contains(shape.refusal(), {"4 tensors of another shape", "[80, 32] instead of [88, 32]"});

  const CopiedDirectory mixed;
  mixed.edit_tensors([](auto& tensors) {
    for (TensorToWrite& tensor : tensors) {
      if (tensor.name == "model.norm.weight") tensor.dtype = at::kBFloat16;
    }
  });
  expect_contains(mixed.refusal(), {"weights are F32", "model.norm.weight", "BF16"});

  const CopiedDirectory integers;
  integers.edit_tensors([](auto& tensors) {
    for (TensorToWrite& tensor : tensors) tensor.dtype = at::kChar;
  });
  expect_contains(integers.refusal(), {"I8", "quantised"});
}

TEST(ModelDirectory, DamagedOrForeignDirectoriesAreRefused) {
  const CopiedDirectory truncated;
  fs::resize_file(truncated.path() / "model.safetensors", 50000);
  expect_contains(truncated.refusal(), {"model.safetensors", "truncated"});

  const CopiedDirectory pickled;
  fs::rename(pickled.path() / "model.safetensors", pickled.path() / "pytorch_model.bin");
  expect_contains(pickled.refusal(), {"pickle", "pytorch_model.bin", "save_pretrained"});

  const CopiedDirectory empty;
  fs::remove(empty.path() / "model.safetensors");
  fs::remove(empty.path() / "golden.tensors");
  expect_contains(empty.refusal(), {"no weights"});

  const CopiedDirectory without_config;
  fs::remove(without_config.path() / "config.json");
  expect_contains(without_config.refusal(), {"no config.json"});
  EXPECT_THROW(load_model("/nowhere/at/all"), CheckpointError);
}

TEST(ModelDirectory, ATiedHeadMayBeRepeatedButNotDiffer) {
  const CopiedDirectory tied("tied_partial");
  at::Tensor table = ModelDirectory(tied.path()).tensor("model.embed_tokens.weight").clone();
  tied.edit_tensors([&](auto& tensors) { tensors.push_back(tensor_to_write("lm_head.weight", table)); });
  EXPECT_EQ(tied.refusal(), "accepted");
  table = table.clone();
  table[3][4].add_(1.0);
  tied.edit_tensors([&](auto& tensors) {
    std::erase_if(tensors, [](const TensorToWrite& t) { return t.name == "lm_head.weight"; });
    tensors.push_back(tensor_to_write("lm_head.weight", table));
  });
  expect_contains(tied.refusal(), {"lm_head.weight", "different values"});
}

TEST(ModelDirectory, RangesOfTensorsAreReadIntoAnyType) {
  const ModelDirectory directory(golden_path("mha_window"));
  const auto model = make_model(directory.config());
  const RangeReader read = range_reader(directory, *model);
  const ParameterDeclaration& head = model->declarations().back();
  const at::Tensor part = at::zeros({10}, at::kDouble);
  read(head, head.tensors.at(0), 5, 15, part);
  EXPECT_TRUE(part.equal(directory.tensor("lm_head.weight").view({-1}).narrow(0, 5, 10).to(at::kDouble)));
}

TEST(ModelDirectory, EndTokensComeFromTheGenerationConfigFirst) {
  const CopiedDirectory directory;
  EXPECT_EQ(read_end_tokens(golden_path("tied_partial")), (std::vector<std::int64_t>{7, 11}));
  write_text(directory.path() / "generation_config.json", R"({"eos_token_id":[32000,32001,32007]})");
  EXPECT_EQ(read_end_tokens(directory.path()), (std::vector<std::int64_t>{32000, 32001, 32007}));
  fs::remove(directory.path() / "generation_config.json");
  EXPECT_EQ(read_end_tokens(directory.path()), (std::vector<std::int64_t>{7}));
}

configs::ModelConfig parsed(const std::function<void(Json&)>& edit, const std::string& name = "gqa_longrope") {
  Json json = read_json(golden_path(name) / "config.json");
  edit(json);
  return model_config_from_json(json, "config.json");
}

std::string config_refusal(const std::function<void(Json&)>& edit) {
  try {
    parsed(edit);
  } catch (const ConfigError& error) {
    return error.what();
  }
  return "accepted";
}

TEST(ConfigJson, OldAndNewSpellingsMeanTheSame) {
  const configs::ModelConfig plain = parsed([](Json&) {});
  ASSERT_TRUE(plain.has_longrope);
  const std::function<void(Json&)> spellings[] = {
      [](Json& json) { json["rope_scaling"]["type"] = "su"; },
      [](Json& json) { json["rope_scaling"]["type"] = "yarn"; },
      [](Json& json) { json["rope_scaling"]["rope_type"] = "longrope"; },
      [](Json& json) {
        json["rope_parameters"] = json["rope_scaling"];
        json["rope_parameters"]["rope_type"] = "longrope";
        json["rope_parameters"]["rope_theta"] = json["rope_theta"];
        json["rope_parameters"]["original_max_position_embeddings"] = json["original_max_position_embeddings"];
        for (const char* key : {"rope_scaling", "rope_theta", "original_max_position_embeddings"}) json.erase(key);
        json["rope_parameters"].erase("type");
      },
  };
  for (const auto& spelling : spellings) {
    const configs::ModelConfig other = parsed(spelling);
    EXPECT_EQ(other.longrope.long_factor, plain.longrope.long_factor);
    EXPECT_EQ(other.longrope.short_attention_factor, plain.longrope.short_attention_factor);
    EXPECT_EQ(other.original_max_positions, 8);
    EXPECT_EQ(other.rope_theta, plain.rope_theta);
  }
  EXPECT_EQ(parsed([](Json& json) { json["rope_scaling"]["attention_factor"] = 1.5; }).longrope.short_attention_factor, 1.5);
}

TEST(ConfigJson, NullAndAbsentFieldsAreTold) {
  EXPECT_EQ(parsed([](Json& json) { json["sliding_window"] = nullptr; }).sliding_window, 0);
  EXPECT_EQ(parsed([](Json& json) { json["sliding_window"] = 2047; }).sliding_window, 2047);
  EXPECT_EQ(parsed([](Json& json) { json["pad_token_id"] = nullptr; }).pad_token_id, -1);
  EXPECT_EQ(parsed([](Json& json) { json["eos_token_id"] = {5, 6}; }).eos_token_ids, (std::vector<std::int64_t>{5, 6}));
  EXPECT_EQ(parsed([](Json& json) { json.erase("num_key_value_heads"); }).num_kv_heads, 4);
  EXPECT_FALSE(parsed([](Json& json) { json.erase("tie_word_embeddings"); }).tied_head);
}

TEST(ConfigJson, WhatWouldBeComputedWronglyIsRefusedByName) {
  const std::pair<const char*, std::function<void(Json&)>> cases[] = {
      {"attention_bias", [](Json& json) { json["attention_bias"] = true; }},
      {"mlp_bias", [](Json& json) { json["mlp_bias"] = true; }},
      {"hidden_act", [](Json& json) { json["hidden_act"] = "gelu"; }},
      {"quantization_config", [](Json& json) { json["quantization_config"] = {{"bits", 4}}; }},
      {"model_type", [](Json& json) { json["model_type"] = "phi3_v"; }},
      {"model_type", [](Json& json) { json["model_type"] = 3; }},
      {"rope_scaling.long_mscale", [](Json& json) { json["rope_scaling"]["long_mscale"] = 1.2; }},
      {"num_local_experts", [](Json& json) { json["num_local_experts"] = 16; }},
      {"model_type", [](Json& json) { json.erase("model_type"); }},
      {"architectures", [](Json& json) { json["architectures"] = {"Phi3ForSequenceClassification"}; }},
      {"rope_scaling.type", [](Json& json) { json["rope_scaling"]["type"] = "linear"; }},
      {"rope_scaling.long_factor", [](Json& json) { json["rope_scaling"]["long_factor"].erase(0); }},
      {"rope_scaling.short_mscale", [](Json& json) { json["rope_scaling"]["short_mscale"] = 1.2; }},
      {"resid_pdrop", [](Json& json) { json["resid_pdrop"] = 0.1; }},
      {"attention_dropout", [](Json& json) { json["attention_dropout"] = 0.1; }},
      {"hidden_size", [](Json& json) { json["hidden_size"] = "32"; }},
      {"vocab_size", [](Json& json) { json.erase("vocab_size"); }},
      {"num_key_value_heads", [](Json& json) { json["num_key_value_heads"] = 3; }},
      {"partial_rotary_factor", [](Json& json) { json["partial_rotary_factor"] = 1.5; }},
      {"layer_types", [](Json& json) { json["layer_types"] = {"sliding_attention", "full_attention"}; }},
      {"pad_token_id", [](Json& json) { json["pad_token_id"] = 96; }},
  };
  for (const auto& [field, edit] : cases) expect_contains(config_refusal(edit), {field});
  expect_contains(config_refusal([](Json& json) { json["attention_bias"] = json["mlp_bias"] = true; }), {"attention_bias", "mlp_bias"});
}

TEST(ConfigJson, APresetIsWrittenAsTransformersWritesIt) {
  const Json expected = read_json(golden_path("preset_config.json"));
  const configs::ModelConfig config = model_config_from_json(expected, "preset_config.json");
  const Json written = Json::parse(model_config_to_json(config, "bfloat16").dump());
  for (const auto& [key, value] : expected.items()) {
    const std::string ours = key == "dtype" ? "torch_dtype" : key;
    EXPECT_EQ(written.contains(ours) ? written[ours] : Json("absent"), value) << key;
  }
  // The class default, which 4.57.3 leaves out.
  for (const auto& [key, value] : written.items()) {
    if (!expected.contains(key) && key != "torch_dtype") {
      EXPECT_TRUE(key == "attention_bias") << key;
    }
  }
}

TEST(ConfigJson, PresetsSurviveWritingAndReading) {
  for (const char* preset : {"phi-3.5-mini", "phi-3-medium-4k", "phi3-tiny-gqa", "phi3-tiny-longrope", "phi3-tiny-window"}) {
    const configs::ModelConfig config = configs::read_preset(preset);
    const configs::ModelConfig again = model_config_from_json(Json::parse(model_config_to_json(config, "float32").dump()), preset);
    EXPECT_EQ(model_config_to_json(again, "float32"), model_config_to_json(config, "float32")) << preset;
    EXPECT_EQ(again.head_dim, config.head_dim);
    EXPECT_EQ(again.longrope.short_attention_factor, config.longrope.short_attention_factor);
  }
}

TEST(ConfigJson, AnExportedPresetDirectoryLoads) {
  const TemporaryDirectory out;
  const auto model = make_model(configs::read_preset("phi3-tiny-longrope"));
  const at::Tensor storage = allocate(*model, at::kFloat, at::kCPU);
  initialise(*model, 1);
  save_model_directory(out.path() / "preset", *model, {.dtype = at::kFloat});
  const LoadedModel again = load_model(out.path() / "preset");
  for (std::size_t i = 0; i < model->declarations().size(); ++i) {
    EXPECT_TRUE(again.model->declarations()[i].parameter->value.equal(model->declarations()[i].parameter->value));
  }
  EXPECT_EQ(read_end_tokens(out.path() / "preset"), model->config().eos_token_ids);
}

}  // namespace
}  // namespace phidias::models
