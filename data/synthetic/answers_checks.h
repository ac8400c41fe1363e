// What is wrong with one answer of a generator.
//
//   AnswerChecks checks(settings);
//   std::string reason = checks.reason(prompt, answer);          // "" when nothing is wrong
//
// Reasons, in the order in which they are looked for: empty, truncated, special_token, refusal, language, too_short, too_long, repetition, echo,
// execution_missing, execution_failed.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/json_fwd.h"
#include "data/synthetic/answers_settings.h"

namespace phidias::data {

class AnswerChecks {
 public:
  // Throws ConfigError for a regular expression that is none.
  explicit AnswerChecks(const AnswerSettings& settings);
  ~AnswerChecks();
  // `prompt_text`: the last turn of the user; `prompt` and `answer`: the lines.
  std::string reason(const std::string& prompt_text, const OrderedJson& prompt, const OrderedJson& answer, const std::string& text) const;

 private:
  struct Patterns;
  AnswerSettings settings_;
  std::unique_ptr<Patterns> patterns_;
};

// Part of the runs of eight words that have occurred before in the text.
double repetition(const std::vector<std::string>& words);
// Part of the text that the longest run of one repeated piece of at most 32 bytes takes ("lelelele"); 0 for texts of fewer than 16 bytes.
double periodic_part(std::string_view text);
// Part of the answer's 5-word shingles that the prompt has as well.
double echo(const std::vector<std::string>& prompt, const std::vector<std::string>& answer);
// The result that a pattern finds in an answer (its last match), or without a pattern the last line; white space at the ends taken off. Nothing: none found.
class ResultPattern {
 public:
  explicit ResultPattern(const std::string& pattern);  // throws ConfigError
  ~ResultPattern();
  std::optional<std::string> find(const std::string& text) const;

 private:
  struct Pattern;
  std::unique_ptr<Pattern> pattern_;
};

}  // namespace phidias::data
