// Settings of `phidias data make-pairs`.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "configs/enum_names.h"
#include "configs/field.h"
#include "configs/run_config.h"

namespace phidias::data {

// best_worst: the best against the worst, then the second best against the second worst ... best_all: the best against every other, the worst first.
// best_random: the best against others in a random order.
enum class PairRule { best_worst, best_all, best_random };

struct PairSettings {
  std::string output;
  std::vector<std::string> input, prompts;
  std::int64_t seed = 0;
  configs::OnError on_error = configs::OnError::stop;
  PairRule rule = PairRule::best_worst;
  double minimum_margin = 0;
  std::int64_t pairs_per_prompt = 1;
  std::string id_field = "id", text_field = "text", score_field = "score", success_field;
  std::vector<double> success_range = {0.2, 0.8};
  bool balance_lengths = false;
};

template <class Visitor>
void visit(PairSettings& s, Visitor& v) {
  v.field(s.output,
          {.key = "output", .doc = "preference records to write; `<output>.report.json` beside it has the counts and the length bias", .required = true});
  v.field(s.input, {.key = "input", .doc = "JSON lines (or folders): `candidates` with texts and scores, or one candidate a line", .required = true});
  v.field(s.prompts, {.key = "prompts", .doc = "JSON lines (or folders) with the prompts of the ids, where the input has none", .default_text = "[]"});
  v.field(s.seed, {.key = "seed", .doc = "key of best_random", .minimum = 0});
  v.field(s.on_error, {.key = "on_error", .doc = "a line that is no JSON object stops, or is counted"});
  v.field(s.rule, {.key = "rule", .doc = "which candidates make a pair"});
  v.field(s.minimum_margin, {.key = "minimum_margin", .doc = "difference of the scores at least; equal scores never make a pair", .minimum = 0});
  v.field(s.pairs_per_prompt, {.key = "pairs_per_prompt", .doc = "at most", .minimum = 1});
  v.field(s.id_field, {.key = "id_field", .doc = "member that names a prompt"});
  v.field(s.text_field, {.key = "text_field", .doc = "member of a candidate with its text"});
  v.field(s.score_field, {.key = "score_field", .doc = "member of a candidate with its score"});
  v.field(
      s.success_field,
      {.key = "success_field",
       .doc = "member of a candidate that is true, or a number, where it solves the task: only prompts whose mean lies in `success_range` make pairs (Phi-4)",
       .default_text = "not asked for"});
  v.field(s.success_range, {.key = "success_range", .doc = "lowest and highest mean of `success_field`", .minimum = 0, .maximum = 1, .length = 2});
  v.field(s.balance_lengths, {.key = "balance_lengths", .doc = "leave pairs out, smallest margin first, until the longer answer wins as often as it loses"});
}

}  // namespace phidias::data

namespace phidias::configs {
template <>
inline constexpr std::array<std::string_view, 3> enum_names<data::PairRule>{"best_worst", "best_all", "best_random"};
}
