// config.json of Phi-3.5-MoE. The golden file is what transformers 4.57.3 writes (tests/golden/make_config_goldens.py).
#include <gtest/gtest.h>

#include <filesystem>
#include <functional>
#include <string>
#include <utility>

#include "base/error.h"
#include "base/json.h"
#include "configs/presets.h"
#include "models/hub/config_json.h"

namespace phidias::models {
namespace {

Json golden() { return read_json(std::filesystem::path(PHIDIAS_SOURCE_DIR) / "tests/golden/config/phimoe.json"); }

configs::ModelConfig parsed(const std::function<void(Json&)>& edit) {
  Json json = golden();
  edit(json);
  return model_config_from_json(json, "config.json");
}

std::string refusal(const std::function<void(Json&)>& edit) {
  try {
    parsed(edit);
  } catch (const ConfigError& error) {
    return error.what();
  }
  return "accepted";
}

TEST(ConfigJsonPhimoe, EveryFieldIsReadFromTheFile) {
  const configs::ModelConfig config = parsed([](Json&) {});
  EXPECT_EQ(config.architecture, configs::Architecture::phimoe);
  EXPECT_EQ(config.head_dim, 8);
  EXPECT_EQ(config.num_experts, 4);
  EXPECT_EQ(config.experts_per_token, 2);
  EXPECT_EQ(config.input_jitter, 0.01);
  EXPECT_EQ(config.router_jitter, 0.01);
  EXPECT_EQ(config.router_aux_loss, 0.0);
  EXPECT_TRUE(config.attention_bias && config.head_bias && config.has_longrope);
  EXPECT_EQ(config.longrope.short_attention_factor, 1.243163121016122);
  EXPECT_EQ(config.longrope.long_attention_factor, 1.243163121016122);
  EXPECT_EQ(config.original_max_positions, 4096);
  EXPECT_EQ(config.rope_theta, 10000.0);
  EXPECT_EQ(config.sliding_window, 131072);
  EXPECT_EQ(config.bos_token_id, 1);
  EXPECT_EQ(config.pad_token_id, 33);
  EXPECT_EQ(config.eos_token_ids, std::vector<std::int64_t>{32});
  const auto scales = parsed([](Json& json) { json["rope_scaling"]["short_mscale"] = 1.1; }).longrope;
  EXPECT_EQ(scales.short_attention_factor, 1.1);
  EXPECT_EQ(scales.long_attention_factor, 1.243163121016122);
}

TEST(ConfigJsonPhimoe, MissingFieldsHaveTheDefaultsOfTransformersClass) {
  const configs::ModelConfig config = model_config_from_json(
      Json::parse(R"({"model_type": "phimoe", "vocab_size": 64, "hidden_size": 64, "intermediate_size": 8, "num_hidden_layers": 1, "num_attention_heads": 8})"),
      "config.json");
  EXPECT_EQ(config.num_kv_heads, 8);
  EXPECT_EQ(config.num_experts, 16);
  EXPECT_EQ(config.max_positions, 131072);
  EXPECT_EQ(config.original_max_positions, 131072);
  EXPECT_EQ(config.sliding_window, 0);
  EXPECT_EQ(config.rope_theta, 1e6);
  EXPECT_EQ(config.router_jitter, 0.01);
  EXPECT_EQ(config.input_jitter, 0.0);
  EXPECT_EQ(config.router_aux_loss, 0.001);
  EXPECT_FALSE(config.attention_bias || config.head_bias || config.tied_head || config.has_longrope);
  EXPECT_EQ(config.bos_token_id, 1);
  EXPECT_EQ(config.eos_token_ids, std::vector<std::int64_t>{2});
  EXPECT_EQ(config.pad_token_id, -1);
}

TEST(ConfigJsonPhimoe, WithoutScalingPositionsArePlain) {
  const configs::ModelConfig grin = parsed([](Json& json) {
    json["rope_scaling"] = nullptr;
    json["max_position_embeddings"] = 4096;
    json["sliding_window"] = 2048;
  });
  EXPECT_FALSE(grin.has_longrope);
  EXPECT_EQ(grin.sliding_window, 2048);
}

TEST(ConfigJsonPhimoe, BothSpellingsOfTheClassAndTheNewRopeFieldsAreAccepted) {
  const configs::ModelConfig plain = parsed([](Json&) {});
  EXPECT_EQ(parsed([](Json& json) { json["architectures"] = {"PhimoeForCausalLM"}; }), plain);
  EXPECT_EQ(parsed([](Json& json) {
              json["rope_parameters"] = json["rope_scaling"];
              json["rope_parameters"]["rope_theta"] = json["rope_theta"];
              json["rope_parameters"].erase("type");
              for (const char* key : {"rope_scaling", "rope_theta", "original_max_position_embeddings"}) json.erase(key);
            }),
            plain);
}

TEST(ConfigJsonPhimoe, WhatWouldBeComputedWronglyIsRefusedByName) {
  const std::pair<const char*, std::function<void(Json&)>> cases[] = {
      {"architectures: is [\"PhimoeForSequenceClassification\"]; only PhiMoEForCausalLM",
       [](Json& json) { json["architectures"] = {"PhimoeForSequenceClassification"}; }},
      {"hidden_dropout: is 0.1; dropout is not supported", [](Json& json) { json["hidden_dropout"] = 0.1; }},
      {"attention_dropout", [](Json& json) { json["attention_dropout"] = 0.1; }},
      {"hidden_act: is \"gelu\"; only silu", [](Json& json) { json["hidden_act"] = "gelu"; }},
      {"num_experts_per_tok: is 4; SparseMixer chooses two experts", [](Json& json) { json["num_experts_per_tok"] = 4; }},
      {"num_local_experts must be at least 2", [](Json& json) { json["num_local_experts"] = 1; }},
      {"router_jitter_noise", [](Json& json) { json["router_jitter_noise"] = -0.01; }},
      {"input_jitter_noise", [](Json& json) { json["input_jitter_noise"] = 1.0; }},
      {"router_aux_loss_coef", [](Json& json) { json["router_aux_loss_coef"] = -1; }},
      {"head_dim: is 16", [](Json& json) { json["head_dim"] = 16; }},
      {"partial_rotary_factor", [](Json& json) { json["partial_rotary_factor"] = 0.5; }},
      {"quantization_config", [](Json& json) { json["quantization_config"] = {{"bits", 4}}; }},
      {"layer_types", [](Json& json) { json["layer_types"] = {"full_attention"}; }},
      {"rope_scaling.short_mscale: is missing", [](Json& json) { json["rope_scaling"].erase("short_mscale"); }},
      {"rope_scaling.long_mscale: is \"1\", a number is needed", [](Json& json) { json["rope_scaling"]["long_mscale"] = "1"; }},
      {"rope_scaling.attention_factor: is not a field", [](Json& json) { json["rope_scaling"]["attention_factor"] = 1.2; }},
      {"short_factor must hold 4 values", [](Json& json) { json["rope_scaling"]["short_factor"].erase(0); }},
      {"rope_scaling.original_max_position_embeddings: is 2048, the field of the same name outside says 4096",
       [](Json& json) { json["rope_scaling"]["original_max_position_embeddings"] = 2048; }},
      {"rope_scaling.original_max_position_embeddings: is missing",
       [](Json& json) {
         json.erase("original_max_position_embeddings");
         json["rope_scaling"].erase("original_max_position_embeddings");
       }},
      {"num_attention_heads must be a multiple", [](Json& json) { json["num_key_value_heads"] = 3; }},
      {"intermediate_size: is missing", [](Json& json) { json.erase("intermediate_size"); }},
      {"pad_token_id", [](Json& json) { json["pad_token_id"] = 96; }},
  };
  for (const auto& [text, edit] : cases) EXPECT_NE(refusal(edit).find(text), std::string::npos) << text << " is not in: " << refusal(edit);
}

TEST(ConfigJsonPhimoe, IsWrittenAsTransformersWritesIt) {
  const Json expected = golden();
  const Json written = Json::parse(model_config_to_json(model_config_from_json(expected, "golden"), "bfloat16").dump());
  for (const auto& [key, value] : expected.items()) {
    const std::string ours = key == "dtype" ? "torch_dtype" : key;
    ASSERT_TRUE(written.contains(ours)) << key;
    if (key == "rope_scaling") continue;
    EXPECT_EQ(written[ours], value) << key;
  }
  // transformers adds rope_type, which repeats type.
  Json rope = expected["rope_scaling"];
  rope.erase("rope_type");
  EXPECT_EQ(written["rope_scaling"], rope);
  for (const auto& [key, value] : written.items())  // a field of the release that 4.57.3's class does not know
    EXPECT_TRUE(expected.contains(key) || key == "torch_dtype" || key == "hidden_dropout") << key;
}

TEST(ConfigJsonPhimoe, PresetsSurviveWritingAndReading) {
  for (const char* preset : {"phi-3.5-moe", "grin-moe", "phimoe-tiny", "phimoe-tiny-longrope", "phimoe-bench", "phimoe-mid"}) {
    const configs::ModelConfig config = configs::read_preset(preset);
    EXPECT_EQ(model_config_from_json(Json::parse(model_config_to_json(config, "float32").dump()), preset), config) << preset;
  }
}

}  // namespace
}  // namespace phidias::models
