// Prompts for a generator of synthetic data: every cell of a grid topic x audience x style gets the same number of prompts, give or take one, each from a
// template and, where it asks for one, a passage that a pipeline has kept.
//
//   PromptReport report = make_prompts(read_prompt_settings("prompts.yaml", {"count=1000"}));
//
// A line: {"id", "messages" or "prompt", "topic", "audience", "style", "template", "seed_id"}; what the grid does not have is left out. `phidias generate
// --input` reads these lines as they are. The choices for prompt i are functions of (settings.seed, i, attempt) alone.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "base/json_fwd.h"
#include "data/synthetic/prompts_settings.h"

namespace phidias::data {

// Throws ConfigError with every mistake.
PromptSettings read_prompt_settings(const std::string& path, const std::vector<std::string>& overrides);

struct PromptReport {
  std::int64_t prompts = 0, cells = 0;
  std::int64_t redrawn = 0;       // drawn again: too like an earlier prompt of its cell
  std::int64_t given_up = 0;      // nothing new was found in many draws
  std::int64_t without_seed = 0;  // no passage of the cell's topic
  std::int64_t seeds = 0, seeds_used = 0, most_uses_of_a_seed = 0;
  std::int64_t seeds_passed_over = 0;  // a condition failed, or too short
  std::int64_t fewest_per_cell = 0, most_per_cell = 0;
  std::map<std::string, std::map<std::string, std::int64_t>> coverage;  // axis -> value -> prompts
  OrderedJson json() const;
};

// Writes settings.output and its report. Throws DataError for a file that cannot be read, ConfigError where no passage fits.
PromptReport make_prompts(const PromptSettings& settings);

// At most `characters` of the text, cut after a sentence where one ends in the last third, else after a word, never within a character.
std::string passage_of(const std::string& text, std::int64_t characters);

}  // namespace phidias::data
