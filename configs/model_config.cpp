#include "configs/model_config.h"

#include <algorithm>
#include <cmath>
#include <set>
#include <utility>

namespace phidias::configs {

namespace {

class ProblemList {
 public:
  void require(bool holds, const std::string& text) {
    if (!holds) texts.push_back(text);
  }
  std::vector<std::string> texts;
};

bool is_fraction(double value) { return value >= 0.0 && value < 1.0; }

void check_sizes(const ModelConfig& c, ProblemList& problems) {
  problems.require(c.vocab_size > 0 && c.hidden_size > 0 && c.intermediate_size > 0 && c.num_layers > 0 && c.num_heads > 0 && c.num_kv_heads > 0,
                   "vocab_size, hidden_size, intermediate_size, num_hidden_layers, num_attention_heads and num_key_value_heads must be positive");
  problems.require(c.head_dim > 0, "head_dim must be positive (hidden_size divisible by num_attention_heads, when the file does not give it)");
  problems.require(c.num_kv_heads <= 0 || c.num_heads % c.num_kv_heads == 0, "num_attention_heads must be a multiple of num_key_value_heads");
  problems.require(c.rotary_dim() > 0 && c.rotary_dim() % 2 == 0 && c.rotary_dim() <= c.head_dim, "head_dim * partial_rotary_factor must be even");
  problems.require(c.architecture == Architecture::phi3 || c.partial_rotary_factor == 1.0, "partial_rotary_factor belongs to phi3 alone");
  problems.require(c.max_positions > 0, "max_position_embeddings must be positive");
}

void check_longrope(const ModelConfig& c, ProblemList& problems) {
  const auto pairs = static_cast<std::size_t>(std::max<std::int64_t>(c.rotary_dim(), 0) / 2);
  for (const auto& [name, factors] : {std::pair("short_factor", &c.longrope.short_factor), std::pair("long_factor", &c.longrope.long_factor)})
    problems.require(factors->size() == pairs, std::string(name) + " must hold " + std::to_string(pairs) +
                                                   " values, one per pair of a head's rotated dimensions; it holds " + std::to_string(factors->size()));
  problems.require(c.original_max_positions > 1 && c.original_max_positions <= c.max_positions,
                   "original_max_position_embeddings must lie between 2 and max_position_embeddings");
  problems.require(c.architecture != Architecture::phi3 || c.longrope.short_attention_factor == c.longrope.long_attention_factor,
                   "short_mscale and long_mscale must be equal: phi3 has one attention factor for both lists");
}

void check_tokens(const ModelConfig& c, ProblemList& problems) {
  for (const std::int64_t id : c.eos_token_ids)
    problems.require(id >= 0 && id < c.vocab_size, "eos_token_id " + std::to_string(id) + " is not below vocab_size");
  problems.require(c.pad_token_id < c.vocab_size && c.bos_token_id < c.vocab_size, "pad_token_id and bos_token_id must be below vocab_size");
}

void check_experts(const ModelConfig& c, ProblemList& problems) {
  problems.require(c.num_experts >= 2, "num_local_experts must be at least 2");
  problems.require(c.experts_per_token == 2, "num_experts_per_tok must be 2: SparseMixer chooses two experts");
  problems.require(is_fraction(c.router_jitter), "router_jitter_noise must lie between 0 and 1");
  problems.require(is_fraction(c.input_jitter), "input_jitter_noise must lie between 0 and 1");
  problems.require(c.router_aux_loss >= 0.0, "router_aux_loss_coef must not be negative");
}

void check_small(const ModelConfig& c, ProblemList& problems) {
  const BlockSparseConfig& sparse = c.block_sparse;
  problems.require(sparse.block_size > 0 && sparse.local_blocks > 0 && sparse.vertical_stride > 0,
                   "blocksparse_block_size, blocksparse_num_local_blocks and blocksparse_vert_stride must be positive");
  problems.require(sparse.dense_every > 0, "dense_attention_every_n_layers must be positive");
  problems.require(c.gegelu_limit > 0.0, "gegelu_limit must be positive");
  problems.require(c.mup_attention_multiplier > 0.0 && c.mup_embedding_multiplier > 0.0 && c.mup_width_multiplier > 0.0,
                   "mup_attn_multiplier, mup_embedding_multiplier and mup_width_multiplier must be positive");
  problems.require(is_fraction(c.embedding_dropout) && is_fraction(c.ffn_dropout), "embedding_dropout_prob and ffn_dropout_prob must lie between 0 and 1");
  problems.require(c.sliding_window == 0, "sliding_window does not belong to phi3small");
  std::set<std::int64_t> seen;
  for (const std::int64_t id : c.dummy_token_ids) {
    const std::string name = "dummy_token_indices: " + std::to_string(id);
    problems.require(id >= 0 && id < c.vocab_size, name + " is not below vocab_size");
    problems.require(seen.insert(id).second, name + " is there twice");
    problems.require(std::find(c.eos_token_ids.begin(), c.eos_token_ids.end(), id) == c.eos_token_ids.end(),
                     name + " is an eos_token_id too, which could then never be predicted");
  }
}

}  // namespace

double longrope_attention_factor(std::int64_t max_positions, std::int64_t original_max_positions) {
  const double scale = static_cast<double>(max_positions) / static_cast<double>(original_max_positions);
  return scale <= 1.0 ? 1.0 : std::sqrt(1.0 + std::log(scale) / std::log(static_cast<double>(original_max_positions)));
}

std::vector<std::int64_t> phi3small_dummy_tokens() {
  std::vector<std::int64_t> ids = {100256, 100258, 100259, 100260, 100264, 100265};
  for (std::int64_t id = 100267; id < kPhi3SmallVocabulary; ++id) ids.push_back(id);
  return ids;
}

std::vector<std::string> model_config_problems(const ModelConfig& config) {
  ProblemList problems;
  check_sizes(config, problems);
  if (config.has_longrope) check_longrope(config, problems);
  check_tokens(config, problems);
  if (config.architecture == Architecture::phimoe)
    check_experts(config, problems);
  else
    problems.require(config.num_experts == 0 && config.experts_per_token == 0, "num_local_experts and num_experts_per_tok belong to phimoe alone");
  if (config.architecture == Architecture::phi3small) check_small(config, problems);
  return problems.texts;
}

}  // namespace phidias::configs
