#include "configs/presets.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "base/error.h"

namespace phidias::configs {

namespace {

std::string error_of(const std::string& yaml) {
  try {
    read_model_config(yaml, "m.yaml");
  } catch (const ConfigError& error) {
    return error.what();
  }
  return "";
}

const std::string kShape = "vocab_size: 16\nhidden_size: 8\nintermediate_size: 8\nnum_hidden_layers: 1\nnum_attention_heads: 2\nmax_position_embeddings: 64\n";

}  // namespace

TEST(Presets, EveryOneCanBeRead) {
  const std::vector<std::string> names = preset_names();
  EXPECT_TRUE(std::is_sorted(names.begin(), names.end()));
  for (const char* name : {"phi-3-mini-4k", "phi-3-mini-128k", "phi-3.5-mini", "phi-3-medium-4k", "phi-3-medium-128k", "phi-3.5-moe", "grin-moe",
                           "phi-3-small-8k", "phi3-8m", "phi3-60m", "phi3-quickstart", "phi3-tiny"})
    EXPECT_NE(std::find(names.begin(), names.end(), name), names.end()) << name;
  for (const std::string& name : names) {
    EXPECT_TRUE(model_config_problems(read_preset(name)).empty()) << name;
    EXPECT_NE(preset_summary(name), "") << name;
  }
}

TEST(Presets, ReleasedModelsHaveTheirPublishedShapes) {
  struct Released {
    const char* name;
    std::int64_t hidden, inner, layers, heads, kv_heads, head_dim, max_positions, window, pad;
    bool has_longrope;
  };
  for (const Released& r : {Released{"phi-3-mini-4k", 3072, 8192, 32, 32, 32, 96, 4096, 2047, 32000, false},
                            Released{"phi-3-mini-128k", 3072, 8192, 32, 32, 32, 96, 131072, 262144, 32000, true},
                            Released{"phi-3.5-mini", 3072, 8192, 32, 32, 32, 96, 131072, 262144, 32000, true},
                            Released{"phi-3-medium-4k", 5120, 17920, 40, 40, 10, 128, 4096, 2047, 32000, false},
                            Released{"phi-3-medium-128k", 5120, 17920, 40, 40, 10, 128, 131072, 131072, -1, true}}) {
    const ModelConfig c = read_preset(r.name);
    EXPECT_EQ(c.vocab_size, 32064) << r.name;
    EXPECT_EQ(c.hidden_size, r.hidden) << r.name;
    EXPECT_EQ(c.intermediate_size, r.inner) << r.name;
    EXPECT_EQ(c.num_layers, r.layers) << r.name;
    EXPECT_EQ(c.num_heads, r.heads) << r.name;
    EXPECT_EQ(c.num_kv_heads, r.kv_heads) << r.name;
    EXPECT_EQ(c.head_dim, r.head_dim) << r.name;
    EXPECT_EQ(c.max_positions, r.max_positions) << r.name;
    EXPECT_EQ(c.original_max_positions, 4096) << r.name;
    EXPECT_EQ(c.sliding_window, r.window) << r.name;
    EXPECT_EQ(c.pad_token_id, r.pad) << r.name;
    EXPECT_EQ(c.bos_token_id, 1) << r.name;
    EXPECT_EQ(c.eos_token_ids.size(), 3U) << r.name;
    EXPECT_EQ(c.has_longrope, r.has_longrope) << r.name;
    EXPECT_EQ(c.rope_theta, 10000.0) << r.name;
    EXPECT_EQ(c.rms_norm_eps, 1e-5) << r.name;
    EXPECT_FALSE(c.tied_head) << r.name;
  }
}

TEST(Presets, RotaryFactorsAreThoseOfTheRevisionNamed) {
  const LongRopeConfig july = read_preset("phi-3-mini-128k").longrope;  // the April revision ends in 64.81 and starts with 1.03
  EXPECT_NEAR(july.long_factor.front(), 1.07, 1e-6);                    // published as float32: 1e-6 is above its rounding, below any other digit
  EXPECT_NEAR(july.long_factor.back(), 64.76, 1e-5);
  EXPECT_NEAR(july.short_factor.back(), 3.05, 1e-6);
  const LongRopeConfig mini = read_preset("phi-3.5-mini").longrope;
  EXPECT_NEAR(mini.long_factor.front(), 1.08, 1e-6);
  EXPECT_NEAR(mini.long_factor.back(), 64.84, 1e-5);
  EXPECT_NEAR(mini.short_factor.back(), 2.84, 1e-6);
  const LongRopeConfig medium = read_preset("phi-3-medium-128k").longrope;
  EXPECT_EQ(medium.long_factor.size(), 64U);
  EXPECT_NEAR(medium.long_factor.back(), 65.0, 1e-5);
  EXPECT_NEAR(medium.short_factor.back(), 16.8, 1e-5);
  for (const LongRopeConfig& rope : {july, mini, medium}) EXPECT_NEAR(rope.short_attention_factor, 1.1902380714238083, 1e-15);
}

TEST(Presets, LongInverseFrequenciesOfPhi35MiniMatchPublishedValues) {
  const ModelConfig c = read_preset("phi-3.5-mini");
  const auto inverse_frequency = [&](double factor, int i) { return 1.0 / (factor * std::pow(c.rope_theta, 2.0 * i / 96.0)); };
  // Ten digits are given, so half a unit of the tenth: relative 5e-10.
  const struct {
    int i;
    double short_value, long_value;
  } kExpected[] = {{0, 1.0, 0.9259258891},
                   {1, 0.8092198046, 0.7436073645},
                   {16, 0.03463872794, 0.00189762414},
                   {31, 0.001285791901, 4.168248325e-05},
                   {47, 4.265943305e-05, 1.868488166e-06}};
  for (const auto& expected : kExpected) {
    const auto i = static_cast<std::size_t>(expected.i);
    EXPECT_NEAR(inverse_frequency(c.longrope.short_factor[i], expected.i) / expected.short_value, 1.0, 1e-9) << i;
    EXPECT_NEAR(inverse_frequency(c.longrope.long_factor[i], expected.i) / expected.long_value, 1.0, 1e-9) << i;
  }
}

TEST(Presets, BenchModelsHaveTheirShapes) {
  const ModelConfig small = read_preset("phi3-8m"), large = read_preset("phi3-60m");
  EXPECT_EQ(small.head_dim, 64);
  EXPECT_EQ(large.head_dim, 64);
  EXPECT_EQ(small.parameter_count(), 6293760);
  EXPECT_EQ(large.parameter_count(), 66396672);
  const std::int64_t quickstart = read_preset("phi3-quickstart").parameter_count();
  EXPECT_GE(quickstart, 1000000);
  EXPECT_LE(quickstart, 10000000);
}

TEST(Presets, UnknownNamesAreAnsweredWithTheNearest) {
  try {
    read_preset("phi-3-mini4k");
    FAIL();
  } catch (const ConfigError& error) {
    EXPECT_NE(std::string(error.what()).find("no preset 'phi-3-mini4k'; did you mean phi-3-mini-4k?"), std::string::npos) << error.what();
  }
}

TEST(ReadModelConfig, LeavesOutWhatFollowsFromTheRest) {
  const ModelConfig c = read_model_config(kShape, "m.yaml");
  EXPECT_EQ(c.num_kv_heads, 2);
  EXPECT_EQ(c.head_dim, 4);
  EXPECT_EQ(c.original_max_positions, 64);
  EXPECT_EQ(c.sliding_window, 0);
  EXPECT_FALSE(c.has_longrope);
}

TEST(ReadModelConfig, ReportsEveryProblemWithItsPlace) {
  EXPECT_EQ(error_of("vocab_size: 0\nhidden: 8\n"),
            "m.yaml:1:1: hidden_size: required: width of the residual stream\n"
            "m.yaml:1:1: intermediate_size: required: width inside the MLP\n"
            "m.yaml:1:1: num_hidden_layers: required: blocks\n"
            "m.yaml:1:1: num_attention_heads: required: query heads\n"
            "m.yaml:1:1: max_position_embeddings: required: longest document\n"
            "m.yaml:1:13: vocab_size: expected an integer, at least 1, found the number 0\n"
            "m.yaml:2:1: hidden: unknown key; valid here: model_type, vocab_size, hidden_size, intermediate_size, num_hidden_layers, num_attention_heads, "
            "num_key_value_heads, head_dim, "
            "partial_rotary_factor, rope_theta, longrope, max_position_embeddings, original_max_position_embeddings, sliding_window, rms_norm_eps, "
            "initializer_range, tie_word_embeddings, "
            "pad_token_id, bos_token_id, eos_token_id");
  EXPECT_EQ(error_of(kShape + "longrope: {short_factor: [1], long_factor: [1, 2]}\noriginal_max_position_embeddings: 32\n"),
            "m.yaml: short_factor must hold 2 values, one per pair of a head's rotated dimensions; it holds 1");
}

TEST(ReadModelConfig, AGivenAttentionFactorIsKept) {
  const ModelConfig c = read_model_config(
      kShape + "longrope: {short_factor: [1, 1], long_factor: [1, 2], short_mscale: 1.5, long_mscale: 1.5}\noriginal_max_position_embeddings: 32\n", "m.yaml");
  EXPECT_EQ(c.longrope.short_attention_factor, 1.5);
  EXPECT_EQ(error_of(kShape + "longrope: {short_factor: [1, 1], long_factor: [1, 2], short_mscale: 1.5}\noriginal_max_position_embeddings: 32\n"),
            "m.yaml: short_mscale and long_mscale must be equal: phi3 has one attention factor for both lists");
}

TEST(Presets, MixturesHaveTheirPublishedShape) {
  for (const char* name : {"phi-3.5-moe", "grin-moe"}) {
    const ModelConfig c = read_preset(name);
    EXPECT_EQ(c.architecture, Architecture::phimoe) << name;
    EXPECT_EQ(c.num_experts, 16) << name;
    EXPECT_EQ(c.experts_per_token, 2) << name;
    EXPECT_EQ(c.intermediate_size, 6400) << name;
    EXPECT_EQ(c.head_dim, 128) << name;
    EXPECT_EQ(c.router_jitter, 0.01) << name;
    EXPECT_EQ(c.input_jitter, 0.01) << name;
    EXPECT_EQ(c.router_aux_loss, 0.0) << name;
    EXPECT_TRUE(c.attention_bias && c.head_bias) << name;
    EXPECT_FALSE(c.has_longrope) << name;  // the lists of Phi-3.5-MoE are known in part
  }
  EXPECT_EQ(read_preset("phi-3.5-moe").max_positions, 131072);
  EXPECT_EQ(read_preset("grin-moe").sliding_window, 2048);
}

TEST(Presets, SmallHasItsPublishedShape) {
  const ModelConfig c = read_preset("phi-3-small-8k");
  EXPECT_EQ(c.architecture, Architecture::phi3small);
  EXPECT_EQ(c.intermediate_size, 14336);
  EXPECT_EQ(c.head_dim, 128);
  EXPECT_EQ(c.rope_theta, 1e6);
  EXPECT_EQ(c.original_max_positions, 8192);
  EXPECT_EQ(c.block_sparse, (BlockSparseConfig{.block_size = 64, .local_blocks = 16, .vertical_stride = 8, .homogeneous_heads = false, .dense_every = 2}));
  EXPECT_EQ(c.mup_embedding_multiplier, 10.0);
  EXPECT_EQ(c.mup_width_multiplier, 8.0);
  EXPECT_EQ(c.embedding_dropout, 0.1);
  EXPECT_TRUE(c.tied_head);
  EXPECT_EQ(c.dummy_token_ids, phi3small_dummy_tokens());
  EXPECT_EQ(c.dummy_token_ids.size(), 91U);  // 6 of the first ten special ids, and 100267 .. 100351
  for (const std::int64_t used : {100257, 100261, 100262, 100263, 100266})
    EXPECT_EQ(std::count(c.dummy_token_ids.begin(), c.dummy_token_ids.end(), used), 0) << used;
}

TEST(Presets, TheLongTinyMixtureHasItsOwnScales) {
  const LongRopeConfig rope = read_preset("phimoe-tiny-longrope").longrope;
  EXPECT_EQ(rope.short_attention_factor, 1.1);
  EXPECT_EQ(rope.long_attention_factor, 1.243163121016122);
}

TEST(ReadModelConfig, AMixtureNeedsTheScalesOfItsRotaryLists) {
  const std::string shape = "model_type: phimoe\n" + kShape +
                            "num_local_experts: 4\nnum_experts_per_tok: 2\nrouter_jitter_noise: 0.01\nrope_theta: 1e4\noriginal_max_position_embeddings: 32\n";
  EXPECT_EQ(error_of(shape + "longrope: {short_factor: [1, 1], long_factor: [1, 2], short_mscale: 1.5}\n"),
            "m.yaml:13:11: longrope.long_mscale: required: phimoe derives it from nothing");
  EXPECT_EQ(error_of(shape), "");
}

TEST(ReadModelConfig, SmallsScalesAreDerivedByItsOwnRule) {
  const std::string shape =
      "{model_type: phi3small, vocab_size: 16, hidden_size: 8, ff_intermediate_size: 8, num_hidden_layers: 2, num_attention_heads: 2, "
      "max_position_embeddings: 64, original_max_position_embeddings: 32, rope_embedding_base: 1e6, tie_word_embeddings: true, blocksparse_block_size: 4, "
      "blocksparse_num_local_blocks: 2, blocksparse_vert_stride: 2, dense_attention_every_n_layers: 2, gegelu_limit: 20, mup_attn_multiplier: 1, "
      "mup_embedding_multiplier: 10, mup_width_multiplier: 8, longrope: {short_factor: [1, 1], long_factor: [1, 2]}}";
  const LongRopeConfig rope = read_model_config(shape, "m.yaml").longrope;
  EXPECT_EQ(rope.short_attention_factor, 1.0);
  EXPECT_EQ(rope.long_attention_factor, longrope_attention_factor(64, 32));
}

TEST(ReadModelConfig, KeysBelongToTheirArchitecture) {
  EXPECT_NE(error_of(kShape + "num_local_experts: 4\n").find("m.yaml:7:1: num_local_experts: unknown key"), std::string::npos);
  EXPECT_NE(error_of("model_type: phi3small\n" + kShape)
                .find("intermediate_size: unknown key; valid here: model_type, vocab_size, hidden_size, ff_intermediate_size"),
            std::string::npos);
  EXPECT_NE(error_of("model_type: phimoe\n" + kShape).find("num_local_experts: required: experts of a layer"), std::string::npos);
}

}  // namespace phidias::configs
