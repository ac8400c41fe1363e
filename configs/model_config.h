// What a Phi-3 model is: the numbers of a Hugging Face config.json that change a computation, as one typed struct.
//
// Filled by models/hub (from a directory) or by configs/presets (from configs/models/*.yaml). Class defaults of transformers are not
// the released values, so every field is read from the file. Source of the fields: transformers configuration_phi3.py and
// configuration_phimoe.py (4.57.3), configuration_phi3_small.py of the Phi-3-small release.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace phidias::configs {

enum class Architecture { phi3, phimoe, phi3small };  // phi3v follows

// LongRoPE (arXiv 2402.13753): inv_freq_i = 1 / (factor_i * theta^(2i/d)); cos and sin times the attention factor of the list in use.
// phi3: one factor for both lists. phimoe: the file's short_mscale and long_mscale. phi3small: the same, a missing short one is 1.
struct LongRopeConfig {
  std::vector<double> short_factor, long_factor;                     // rotary_dim / 2 values each
  double short_attention_factor = 1.0, long_attention_factor = 1.0;  // sqrt(1 + ln(s) / ln(original)), s = max / original; or the file's own
  bool operator==(const LongRopeConfig&) const = default;
};

// Phi-3-small's block-sparse attention: query block i of head h sees key block j <= i iff i - j < local_blocks or
// (j + 1 + h * head_step) % vertical_stride == 0, head_step = homogeneous_heads ? 0 : max(1, vertical_stride / num_heads).
struct BlockSparseConfig {
  std::int64_t block_size = 0;    // tokens
  std::int64_t local_blocks = 0;  // with the query's own
  std::int64_t vertical_stride = 0;
  bool homogeneous_heads = false;
  std::int64_t dense_every = 0;  // 0-based layer n is dense iff (n + 1) % dense_every == 0
  bool operator==(const BlockSparseConfig&) const = default;
};

struct ModelConfig {
  Architecture architecture = Architecture::phi3;
  std::int64_t vocab_size = 0;
  std::int64_t hidden_size = 0;
  std::int64_t intermediate_size = 0;
  std::int64_t num_layers = 0;
  std::int64_t num_heads = 0;
  std::int64_t num_kv_heads = 0;
  std::int64_t head_dim = 0;  // hidden_size / num_heads unless the file says otherwise
  double partial_rotary_factor = 1.0;
  double rope_theta = 10000.0;
  bool has_longrope = false;
  LongRopeConfig longrope;  // meaningful when has_longrope
  std::int64_t max_positions = 0;
  std::int64_t original_max_positions = 0;  // long factors from a document of original + 1 tokens on
  std::int64_t sliding_window = 0;          // 0: none; W: a query sees W keys including itself (transformers)
  double rms_norm_eps = 1e-5;               // of LayerNorm too (phimoe, phi3small)
  double initializer_range = 0.02;
  bool tied_head = false;
  std::int64_t pad_token_id = -1;  // -1: none
  std::int64_t bos_token_id = -1;
  std::vector<std::int64_t> eos_token_ids;

  // phimoe (intermediate_size is one expert's)
  std::int64_t num_experts = 0, experts_per_token = 0;
  double router_jitter = 0.0;  // epsilon of SparseMixer: entries further than 2 epsilon below the best are not drawn
  double input_jitter = 0.0;   // training: the MoE block's input times U(1 - e, 1 + e), once
  double router_aux_loss = 0.0;
  bool attention_bias = false, head_bias = false;

  // phi3small
  BlockSparseConfig block_sparse;
  double gegelu_limit = 0.0;
  double mup_attention_multiplier = 1.0, mup_embedding_multiplier = 1.0, mup_width_multiplier = 1.0;
  double embedding_dropout = 0.0, ffn_dropout = 0.0;
  std::vector<std::int64_t> dummy_token_ids;  // their logits are the float32 minimum

  std::int64_t rotary_dim() const { return static_cast<std::int64_t>(static_cast<double>(head_dim) * partial_rotary_factor); }
  std::int64_t qkv_rows() const { return (num_heads + 2 * num_kv_heads) * head_dim; }
  std::int64_t parameter_count() const;
  // As parameter_count, with only the experts_per_token experts that a token passes through.
  std::int64_t active_parameter_count() const;
  // Model FLOPs per token, forward and backward: 6 * N_mm + 12 * layers * heads * head_dim * mean_context. N_mm counts the parameters in
  // matrix products: all but norms and the input embedding (a tied head counts once, as the head). Attention has two products (scores, and
  // weights times values) of 2 FLOPs per key and dimension, times 3 for forward and backward. `mean_context` is the mean number of visible
  // keys over the tokens: (n + 1) / 2 for a document of n tokens without a window.
  // A mixture of experts counts the experts that a token passes through. A block-sparse layer counts the keys its blocks show in documents of
  // one length, 2 * mean_context - 1; both kinds of layer agree up to local_blocks blocks.
  double flops_per_token(double mean_context) const;
  bool operator==(const ModelConfig&) const = default;
};

// sqrt(1 + ln(max / original) / ln(original)), and 1 when max <= original.
double longrope_attention_factor(std::int64_t max_positions, std::int64_t original_max_positions);

// Mean number of keys that a token of a document of `length` tokens sees in a block-sparse layer, over its positions and all heads.
double block_sparse_mean_keys(const BlockSparseConfig& config, std::int64_t num_heads, std::int64_t length);

// The ids of Phi-3-small's vocabulary of 100352 that stand for no token (tokenization_phi3_small.py): all special ids but the five it uses.
inline constexpr std::int64_t kPhi3SmallVocabulary = 100352;
std::vector<std::int64_t> phi3small_dummy_tokens();

// What is impossible about a configuration, by the names of config.json; empty when it can be built.
std::vector<std::string> model_config_problems(const ModelConfig& config);

}  // namespace phidias::configs
