// Preference pairs from scored candidates.
//
//   PairReport report = make_pairs(read_pair_settings("pairs.yaml", {}));
//
// Input lines, mixed as one likes:  {"id", "prompt" | "messages", "candidates": [{"text", "score"}...]}  or one candidate each,  {"id", "prompt" | "messages",
// "text", "score"}, gathered by id; prompts may also stand in files of their own. Output: {"id", "prompt", "chosen", "rejected", "margin"}; of a chat, prompt
// is its messages, and chosen and rejected are lists of one message of the assistant.
//
// Candidates without a score or with an error are counted and passed over. A prompt without pairs has one reason: too_few_candidates, not_pivotal,
// equal_scores, small_margin, equal_texts.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "base/json_fwd.h"
#include "data/synthetic/pairs_length_bias.h"
#include "data/synthetic/pairs_settings.h"

namespace phidias::data {

// Throws ConfigError with every mistake.
PairSettings read_pair_settings(const std::string& path, const std::vector<std::string>& overrides);

struct PairReport {
  std::int64_t prompts = 0, prompts_with_pairs = 0;
  std::map<std::string, std::int64_t> without_pairs;  // prompts by reason
  std::int64_t candidates = 0, unusable_candidates = 0, broken_lines = 0;
  std::int64_t pairs = 0, left_out_for_balance = 0;
  double mean_margin = 0;
  LengthBias bias;
  OrderedJson json() const;
};

// Throws DataError: a prompt that is not known or not the same in two lines, a broken line with on_error: stop.
PairReport make_pairs(const PairSettings& settings);

}  // namespace phidias::data
