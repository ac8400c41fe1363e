#include "configs/model_config.h"

#include <algorithm>
#include <cmath>
#include <utility>

namespace phidias::configs {

namespace {

// Parameters that take part in a matrix product with the token's vector: everything but norms and the embedding, whose rows are looked up.
std::int64_t matrix_parameters(const ModelConfig& c) {
  const std::int64_t attention = c.qkv_rows() * c.hidden_size + c.hidden_size * c.num_heads * c.head_dim;
  const std::int64_t mlp = 3 * c.hidden_size * c.intermediate_size;
  return c.num_layers * (attention + mlp) + c.vocab_size * c.hidden_size;
}

void require(std::vector<std::string>& problems, bool holds, const std::string& text) {
  if (!holds) problems.push_back(text);
}

}  // namespace

std::int64_t ModelConfig::parameter_count() const {
  const std::int64_t norms = (2 * num_layers + 1) * hidden_size;
  const std::int64_t embedding = tied_head ? 0 : vocab_size * hidden_size;  // a tied one is the head, counted as a matrix
  return matrix_parameters(*this) + embedding + norms;
}

double ModelConfig::flops_per_token(double mean_context) const {
  const double attention = 12.0 * static_cast<double>(num_layers * num_heads * head_dim) * mean_context;
  return 6.0 * static_cast<double>(matrix_parameters(*this)) + attention;
}

double longrope_attention_factor(std::int64_t max_positions, std::int64_t original_max_positions) {
  const double scale = static_cast<double>(max_positions) / static_cast<double>(original_max_positions);
  return scale <= 1.0 ? 1.0 : std::sqrt(1.0 + std::log(scale) / std::log(static_cast<double>(original_max_positions)));
}

std::vector<std::string> model_config_problems(const ModelConfig& c) {
  std::vector<std::string> problems;
  require(problems, c.vocab_size > 0 && c.hidden_size > 0 && c.intermediate_size > 0 && c.num_layers > 0 && c.num_heads > 0 && c.num_kv_heads > 0,
          "vocab_size, hidden_size, intermediate_size, num_hidden_layers, num_attention_heads and num_key_value_heads must be positive");
  require(problems, c.head_dim > 0, "head_dim must be positive (hidden_size divisible by num_attention_heads, when the file does not give it)");
  require(problems, c.num_kv_heads <= 0 || c.num_heads % c.num_kv_heads == 0, "num_attention_heads must be a multiple of num_key_value_heads");
  require(problems, c.rotary_dim() > 0 && c.rotary_dim() % 2 == 0 && c.rotary_dim() <= c.head_dim, "head_dim * partial_rotary_factor must be even");
  require(problems, c.max_positions > 0, "max_position_embeddings must be positive");
  if (c.has_longrope) {
    const auto pairs = static_cast<std::size_t>(std::max<std::int64_t>(c.rotary_dim(), 0) / 2);
    for (const auto& [name, factors] : {std::pair("short_factor", &c.longrope.short_factor), std::pair("long_factor", &c.longrope.long_factor)})
      require(problems, factors->size() == pairs,
              std::string(name) + " must hold " + std::to_string(pairs) + " values, one per pair of a head's rotated dimensions; it holds " +
                  std::to_string(factors->size()));
    require(problems, c.original_max_positions > 1 && c.original_max_positions <= c.max_positions,
            "original_max_position_embeddings must lie between 2 and max_position_embeddings");
  }
  for (const std::int64_t id : c.eos_token_ids)
    require(problems, id >= 0 && id < c.vocab_size, "eos_token_id " + std::to_string(id) + " is not below vocab_size");
  require(problems, c.pad_token_id < c.vocab_size && c.bos_token_id < c.vocab_size, "pad_token_id and bos_token_id must be below vocab_size");
  return problems;
}

}  // namespace phidias::configs
