// config.json of Phi-3-small. The text is the released one of Phi-3-small-8k-instruct, its numbers as in the release.
#include <gtest/gtest.h>

#include <functional>
#include <string>
#include <utility>

#include "base/error.h"
#include "base/json.h"
#include "configs/presets.h"
#include "models/hub/config_json.h"

namespace phidias::models {
namespace {

constexpr const char* kReleased = R"({"architectures": ["Phi3SmallForCausalLM"], "attention_dropout_prob": 0.0,
  "auto_map": {"AutoConfig": "configuration_phi3_small.Phi3SmallConfig", "AutoModelForCausalLM": "modeling_phi3_small.Phi3SmallForCausalLM",
    "AutoModelForSequenceClassification": "modeling_phi3_small.Phi3SmallForSequenceClassification", "AutoTokenizer": "tokenization_phi3_small.Phi3SmallTokenizer"},
  "blocksparse_block_size": 64, "blocksparse_homo_head_pattern": false, "blocksparse_num_local_blocks": 16, "blocksparse_triton_kernel_block_size": 64,
  "blocksparse_vert_stride": 8, "bos_token_id": 100257, "dense_attention_every_n_layers": 2, "embedding_dropout_prob": 0.1, "eos_token_id": 100257,
  "ff_dim_multiplier": null, "ff_intermediate_size": 14336, "ffn_dropout_prob": 0.1, "gegelu_limit": 20.0, "gegelu_pad_to_256": true, "hidden_act": "gegelu",
  "hidden_size": 4096, "initializer_range": 0.02, "layer_norm_epsilon": 1e-05, "max_position_embeddings": 8192, "model_type": "phi3small",
  "mup_attn_multiplier": 1.0, "mup_embedding_multiplier": 10.0, "mup_use_scaling": true, "mup_width_multiplier": 8.0, "num_attention_heads": 32,
  "num_hidden_layers": 32, "num_key_value_heads": 8, "pad_sequence_to_multiple_of_64": true, "reorder_and_upcast_attn": false, "rope_embedding_base": 1000000,
  "rope_position_scale": 1.0, "torch_dtype": "bfloat16", "transformers_version": "4.38.1", "use_cache": true, "attention_bias": false, "vocab_size": 100352})";

configs::ModelConfig parsed(const std::function<void(Json&)>& edit) {
  Json json = Json::parse(kReleased);
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

// The 128k release with short lists (a head of 8 dimensions): hidden_size 256.
void make_long(Json& json) {
  json["hidden_size"] = 256;
  json["max_position_embeddings"] = 131072;
  json["original_max_position_embeddings"] = 8192;
  json["rope_scaling"] = {{"type", "su"},         {"short_factor", {1.0, 1.1, 1.2, 1.3}},    {"long_factor", {1.0, 2.0, 9.0, 129.0}}, {"long_mscale", 1.19},
                          {"short_mscale", 1.05}, {"original_max_position_embeddings", 8192}};
}

TEST(ConfigJsonPhi3Small, TheReleasedFileIsThePreset) {
  configs::ModelConfig preset = configs::read_preset("phi-3-small-8k");
  preset.eos_token_ids = {100257};  // the preset has those of generation_config.json
  EXPECT_EQ(parsed([](Json&) {}), preset);
}

TEST(ConfigJsonPhi3Small, MissingFieldsHaveTheDefaultsOfItsClass) {
  EXPECT_EQ(parsed([](Json& json) {
              for (const char* key : {"blocksparse_block_size",
                                      "blocksparse_homo_head_pattern",
                                      "blocksparse_num_local_blocks",
                                      "blocksparse_vert_stride",
                                      "bos_token_id",
                                      "dense_attention_every_n_layers",
                                      "embedding_dropout_prob",
                                      "eos_token_id",
                                      "ff_dim_multiplier",
                                      "ff_intermediate_size",
                                      "ffn_dropout_prob",
                                      "gegelu_limit",
                                      "hidden_act",
                                      "initializer_range",
                                      "layer_norm_epsilon",
                                      "max_position_embeddings",
                                      "mup_attn_multiplier",
                                      "mup_embedding_multiplier",
                                      "mup_use_scaling",
                                      "mup_width_multiplier",
                                      "num_key_value_heads",
                                      "rope_embedding_base",
                                      "rope_position_scale"})
                json.erase(key);
            }),
            parsed([](Json&) {}));
}

TEST(ConfigJsonPhi3Small, TheInnerSizeMayBeDerived) {
  const auto with = [](bool padded) {
    return parsed([padded](Json& json) {
             json["ff_dim_multiplier"] = 5;
             json["ff_intermediate_size"] = nullptr;
             json["gegelu_pad_to_256"] = padded;
           })
        .intermediate_size;
  };
  EXPECT_EQ(with(false), 13650);  // 5 * (4096 / 3 rounded down, 1365) * 2
  EXPECT_EQ(with(true), 13824);   // 54 * 256
}

TEST(ConfigJsonPhi3Small, LongScalesAreTheFilesOrTheirOwnDefaults) {
  const auto scales = [](const std::function<void(Json&)>& edit) {
    const configs::LongRopeConfig rope = parsed([&edit](Json& json) {
                                           make_long(json);
                                           edit(json["rope_scaling"]);
                                         }).longrope;
    return std::pair(rope.short_attention_factor, rope.long_attention_factor);
  };
  const double usual = longrope_attention_factor(131072, 8192);  // sqrt(17 / 13)
  EXPECT_NEAR(usual, 1.1435437497937313, 1e-15);
  EXPECT_EQ(scales([](Json&) {}), std::pair(1.05, 1.19));
  EXPECT_EQ(scales([](Json& rope) { rope["short_mscale"] = rope["long_mscale"] = -1; }), std::pair(1.0, usual));
  EXPECT_EQ(scales([](Json& rope) {
              rope.erase("short_mscale");
              rope.erase("long_mscale");
            }),
            std::pair(1.0, usual));
}

TEST(ConfigJsonPhi3Small, DummyTokensAreTheFilesOrThoseOfTheReleasedVocabulary) {
  EXPECT_EQ(parsed([](Json& json) { json["dummy_token_indices"] = {5, 7}; }).dummy_token_ids, (std::vector<std::int64_t>{5, 7}));
  EXPECT_EQ(parsed([](Json& json) { json["dummy_token_indices"] = Json::array(); }).dummy_token_ids, std::vector<std::int64_t>{});
  EXPECT_NE(refusal([](Json& json) { json["vocab_size"] = 100480; }).find("dummy_token_indices: is missing; it is known for the vocabulary of 100352 alone"),
            std::string::npos);
}

TEST(ConfigJsonPhi3Small, WhatWouldBeComputedWronglyIsRefusedByName) {
  const std::pair<const char*, std::function<void(Json&)>> cases[] = {
      {"architectures", [](Json& json) { json["architectures"] = {"Phi3SmallForSequenceClassification"}; }},
      {"attention_dropout_prob: is 0.1; dropout is not supported", [](Json& json) { json["attention_dropout_prob"] = 0.1; }},
      {"hidden_act: is \"gelu\"; only gegelu", [](Json& json) { json["hidden_act"] = "gelu"; }},
      {"rope_position_scale: is 2.0; only 1", [](Json& json) { json["rope_position_scale"] = 2.0; }},
      {"mup_use_scaling: is false", [](Json& json) { json["mup_use_scaling"] = false; }},
      {"gegelu_limit: is missing; a number is needed", [](Json& json) { json["gegelu_limit"] = nullptr; }},
      {"gegelu_limit: is -1, a positive number", [](Json& json) { json["gegelu_limit"] = -1; }},
      {"dense_attention_every_n_layers: is missing; a number", [](Json& json) { json["dense_attention_every_n_layers"] = nullptr; }},
      {"mup_width_multiplier", [](Json& json) { json["mup_width_multiplier"] = 0; }},
      {"blocksparse_vert_stride: is 0", [](Json& json) { json["blocksparse_vert_stride"] = 0; }},
      {"sliding_window", [](Json& json) { json["sliding_window"] = 2047; }},
      {"ff_dim_multiplier: is given beside", [](Json& json) { json["ff_dim_multiplier"] = 4; }},
      {"ff_intermediate_size: is missing", [](Json& json) { json["ff_intermediate_size"] = nullptr; }},
      {"ffn_dropout_prob must lie between 0 and 1", [](Json& json) { json["ffn_dropout_prob"] = 1.0; }},
      {"dummy_token_indices: holds \"a\"", [](Json& json) { json["dummy_token_indices"] = {"a"}; }},
      {"dummy_token_indices: 100352 is not below vocab_size", [](Json& json) { json["dummy_token_indices"] = {100352}; }},
      {"quantization_config", [](Json& json) { json["quantization_config"] = {{"bits", 4}}; }},
      {"rope_scaling.attention_factor",
       [](Json& json) {
         make_long(json);
         json["rope_scaling"]["attention_factor"] = 1.1;
       }},
  };
  for (const auto& [text, edit] : cases) EXPECT_NE(refusal(edit).find(text), std::string::npos) << text << " is not in: " << refusal(edit);
}

TEST(ConfigJsonPhi3Small, IsWrittenAsItWasReleased) {
  const Json expected = Json::parse(kReleased), written = Json::parse(model_config_to_json(parsed([](Json&) {}), "bfloat16").dump());
  for (const auto& [key, value] : expected.items()) {
    if (key == "auto_map" || key == "attention_bias" || key == "transformers_version") continue;  // classes that are not ours; not read by the release
    EXPECT_EQ(written.contains(key) ? written[key] : Json("absent"), value) << key;
  }
  EXPECT_EQ(written["auto_map"]["AutoModelForCausalLM"], expected["auto_map"]["AutoModelForCausalLM"]);
  for (const auto& [key, value] : written.items()) EXPECT_TRUE(expected.contains(key) || key == "tie_word_embeddings") << key;
}

TEST(ConfigJsonPhi3Small, ConfigurationsSurviveWritingAndReading) {
  const auto again = [](const configs::ModelConfig& config) {
    return model_config_from_json(Json::parse(model_config_to_json(config, "float32").dump()), "config.json");
  };
  for (const char* preset : {"phi-3-small-8k", "phi3small-tiny"}) EXPECT_EQ(again(configs::read_preset(preset)), configs::read_preset(preset)) << preset;
  const configs::ModelConfig long_one = parsed(make_long);
  EXPECT_EQ(again(long_one), long_one);
}

}  // namespace
}  // namespace phidias::models
