// From a generator's answers to training records: joined with their prompts, checked, voted on, without duplicates.
//
//   AnswerReport report = import_answers(read_answer_settings("answers.yaml", {}));
//
// A record is {"id", "messages" | "prompt" + "completion" | "text", kept members of the prompt}. Reasons of a dropped answer, beside those of AnswerChecks:
// broken_line, schema (no text), generator_error (the line has "error"), unknown_prompt; too_few_samples, no_result, too_easy (all agree), too_hard (no two
// agree, too few do, or the most frequent result is not alone), minority; surplus (more than per_prompt); duplicate, near_duplicate. Every answer is kept or
// has one reason.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "base/json_fwd.h"
#include "data/synthetic/answers_settings.h"

namespace phidias::data {

// Throws ConfigError with every mistake.
AnswerSettings read_answer_settings(const std::string& path, const std::vector<std::string>& overrides);

struct AnswerReport {
  std::int64_t prompts = 0, answers = 0, kept = 0;
  std::int64_t unanswered = 0;                  // prompts without any answer
  std::int64_t prompts_kept = 0;                // prompts with a record
  std::map<std::string, std::int64_t> dropped;  // by reason
  double mean_characters = 0;                   // of kept answers
  // Names in `keep` that no prompt has, and the members that prompts do have; empty when all is well. What `keep` has by default may be missing.
  std::vector<std::string> keep_not_found, members_seen;
  OrderedJson json() const;
};

// Throws DataError: a prompt that is none (roles, no turn of the user at the end), an id that stands twice, a broken line with on_error: stop.
AnswerReport import_answers(const AnswerSettings& settings);

}  // namespace phidias::data
