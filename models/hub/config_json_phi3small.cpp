// config.json of Phi-3-small. Defaults: the release's Phi3SmallConfig (configuration_phi3_small.py); transformers itself has no such class.
#include <optional>
#include <string>

#include "models/hub/config_architectures.h"

namespace phidias::models {

namespace {

void refuse_other_computation(Fields& fields) {
  refuse_foreign_computation(fields, {"Phi3SmallForCausalLM"}, {}, {"attention_dropout_prob"});
  fields.refuse_unless(!fields.has("hidden_act") || fields["hidden_act"] == "gegelu", "hidden_act", "only gegelu is supported");
  fields.refuse_unless(fields.number("rope_position_scale", 1.0) == 1.0, "rope_position_scale", "only 1 is supported");
  fields.refuse_unless(fields.boolean("mup_use_scaling", true), "mup_use_scaling", "only attention scores divided by head_dim are supported");
  // The release computes with null as with another rule; no released file has it.
  for (const char* key : {"gegelu_limit", "dense_attention_every_n_layers", "mup_attn_multiplier", "mup_embedding_multiplier", "mup_width_multiplier"})
    fields.refuse_unless(!fields.json().contains(key) || fields.has(key), key, "a number is needed");
  fields.refuse_unless(!fields.has("sliding_window"), "sliding_window", "a window is not part of phi3small");
}

// ff_intermediate_size, or ff_dim_multiplier (hidden_size / 3, rounded down) * 2, to a multiple of 256 where gegelu_pad_to_256 says so.
std::int64_t intermediate_size(Fields& fields, std::int64_t hidden_size) {
  if (!fields.has("ff_dim_multiplier"))
    return fields.integer("ff_intermediate_size", fields.json().contains("ff_intermediate_size") ? std::optional<std::int64_t>() : 14336, 1);
  if (fields.has("ff_intermediate_size")) fields.problem("ff_dim_multiplier", "is given beside ff_intermediate_size: one of them must be null");
  const std::int64_t size = fields.integer("ff_dim_multiplier", {}, 1) * (hidden_size / 3) * 2;
  return fields.boolean("gegelu_pad_to_256", true) ? (size + 255) / 256 * 256 : size;
}

void read_dummy_tokens(Fields& fields, configs::ModelConfig& config) {
  if (!fields.has("dummy_token_indices")) {
    if (config.vocab_size == configs::kPhi3SmallVocabulary)
      config.dummy_token_ids = configs::phi3small_dummy_tokens();
    else
      fields.problem("dummy_token_indices", "is missing; it is known for the vocabulary of " + std::to_string(configs::kPhi3SmallVocabulary) + " alone");
    return;
  }
  const Json& ids = fields["dummy_token_indices"];
  if (!ids.is_array()) return fields.problem("dummy_token_indices", "is not a list");
  for (const Json& id : ids) {
    if (!id.is_number_integer() || id.get<std::int64_t>() < 0) return fields.problem("dummy_token_indices", "holds " + shown(id) + ", token ids are needed");
    config.dummy_token_ids.push_back(id.get<std::int64_t>());
  }
}

void read_attention(Fields& fields, configs::BlockSparseConfig& sparse) {
  sparse.block_size = fields.integer("blocksparse_block_size", 64, 1);
  sparse.local_blocks = fields.integer("blocksparse_num_local_blocks", 16, 1);
  sparse.vertical_stride = fields.integer("blocksparse_vert_stride", 8, 1);
  sparse.homogeneous_heads = fields.boolean("blocksparse_homo_head_pattern", false);
  sparse.dense_every = fields.integer("dense_attention_every_n_layers", 2, 1);
}

}  // namespace

void read_phi3small_config(Fields& fields, configs::ModelConfig& config) {
  refuse_other_computation(fields);
  if (!fields.problems().empty()) return;
  config.vocab_size = fields.integer("vocab_size", {}, 1);
  config.hidden_size = fields.integer("hidden_size", {}, 1);
  config.intermediate_size = intermediate_size(fields, config.hidden_size);
  config.num_layers = fields.integer("num_hidden_layers", {}, 1);
  config.num_heads = fields.integer("num_attention_heads", {}, 1);
  config.num_kv_heads = fields.integer("num_key_value_heads", 8, 1);
  config.head_dim = config.hidden_size % config.num_heads == 0 ? config.hidden_size / config.num_heads : 0;
  fields.refuse_unless(!fields.has("head_dim") || fields["head_dim"] == config.head_dim, "head_dim", "phi3small has hidden_size / num_attention_heads");
  config.max_positions = fields.integer("max_position_embeddings", 8192, 1);
  config.rms_norm_eps = fields.positive("layer_norm_epsilon", 1e-5);
  config.initializer_range = fields.number("initializer_range", 0.02);
  config.tied_head = fields.boolean("tie_word_embeddings", true);  // PretrainedConfig's default; the released files do not have the field
  read_attention(fields, config.block_sparse);
  config.gegelu_limit = fields.positive("gegelu_limit", 20.0);
  config.mup_attention_multiplier = fields.positive("mup_attn_multiplier", 1.0);
  config.mup_embedding_multiplier = fields.positive("mup_embedding_multiplier", 10.0);
  config.mup_width_multiplier = fields.positive("mup_width_multiplier", 8.0);
  config.embedding_dropout = fields.number("embedding_dropout_prob", 0.1);
  config.ffn_dropout = fields.number("ffn_dropout_prob", 0.1);
  read_dummy_tokens(fields, config);
  config.bos_token_id = 100257;
  config.eos_token_ids = {100257};
  read_tokens(fields, config);
  read_rope(fields, {.theta_key = "rope_embedding_base", .default_theta = 1e6, .default_original = {}}, config);
  if (fields.problems().empty()) check_whole(fields, config);
}

void write_phi3small_config(const configs::ModelConfig& config, OrderedJson& json) {
  json["architectures"] = {"Phi3SmallForCausalLM"};
  json["attention_dropout_prob"] = 0.0;
  // The release's Python files, which have to lie beside for transformers to load it.
  json["auto_map"] = {{"AutoConfig", "configuration_phi3_small.Phi3SmallConfig"}, {"AutoModelForCausalLM", "modeling_phi3_small.Phi3SmallForCausalLM"}};
  json["blocksparse_block_size"] = config.block_sparse.block_size;
  json["blocksparse_homo_head_pattern"] = config.block_sparse.homogeneous_heads;
  json["blocksparse_num_local_blocks"] = config.block_sparse.local_blocks;
  json["blocksparse_triton_kernel_block_size"] = config.block_sparse.block_size;
  json["blocksparse_vert_stride"] = config.block_sparse.vertical_stride;
  json["bos_token_id"] = token_json(config.bos_token_id);
  json["dense_attention_every_n_layers"] = config.block_sparse.dense_every;
  if (config.vocab_size != configs::kPhi3SmallVocabulary || config.dummy_token_ids != configs::phi3small_dummy_tokens())
    json["dummy_token_indices"] = config.dummy_token_ids;
  json["embedding_dropout_prob"] = config.embedding_dropout;
  json["eos_token_id"] = tokens_json(config.eos_token_ids);
  json["ff_dim_multiplier"] = nullptr;
  json["ff_intermediate_size"] = config.intermediate_size;
  json["ffn_dropout_prob"] = config.ffn_dropout;
  json["gegelu_limit"] = config.gegelu_limit;
  json["gegelu_pad_to_256"] = true;
  json["hidden_act"] = "gegelu";
  json["hidden_size"] = config.hidden_size;
  json["initializer_range"] = config.initializer_range;
  json["layer_norm_epsilon"] = config.rms_norm_eps;
  json["max_position_embeddings"] = config.max_positions;
  json["model_type"] = "phi3small";
  json["mup_attn_multiplier"] = config.mup_attention_multiplier;
  json["mup_embedding_multiplier"] = config.mup_embedding_multiplier;
  json["mup_use_scaling"] = true;
  json["mup_width_multiplier"] = config.mup_width_multiplier;
  json["num_attention_heads"] = config.num_heads;
  json["num_hidden_layers"] = config.num_layers;
  json["num_key_value_heads"] = config.num_kv_heads;
  if (config.pad_token_id >= 0) json["pad_token_id"] = config.pad_token_id;
  json["pad_sequence_to_multiple_of_64"] = true;
  json["reorder_and_upcast_attn"] = false;
  json["rope_embedding_base"] = config.rope_theta;
  json["rope_position_scale"] = 1.0;
  if (config.has_longrope) {
    OrderedJson rope = longrope_json(config.longrope);
    rope["long_mscale"] = config.longrope.long_attention_factor;
    rope["short_mscale"] = config.longrope.short_attention_factor;
    rope["original_max_position_embeddings"] = config.original_max_positions;
    json["original_max_position_embeddings"] = config.original_max_positions;
    json["rope_scaling"] = rope;
  }
  json["tie_word_embeddings"] = config.tied_head;
}

}  // namespace phidias::models
