#include <algorithm>
#include <cstdio>

#include "base/error.h"
#include "base/json.h"
#include "base/log.h"
#include "configs/nearest.h"
#include "data/synthetic/answers.h"
#include "data/synthetic/pairs.h"
#include "data/synthetic/prompts.h"
#include "launch/commands.h"

namespace phidias::launch {
namespace {

std::string counts(const std::map<std::string, std::int64_t>& by_reason) {
  std::string text;
  for (const auto& [reason, count] : by_reason) text += (text.empty() ? "" : ", ") + reason + " " + std::to_string(count);
  return text.empty() ? "none" : text;
}

void print_prompts(const std::string& output, const data::PromptReport& report) {
  std::printf("%s: %ld prompts over %ld cells (%ld to %ld each), %ld of %ld seed passages used (one at most %ld times)\n", output.c_str(), long{report.prompts},
              long{report.cells}, long{report.fewest_per_cell}, long{report.most_per_cell}, long{report.seeds_used}, long{report.seeds},
              long{report.most_uses_of_a_seed});
  if (report.redrawn + report.given_up + report.without_seed > 0) {
    std::printf("drawn again for likeness %ld, given up %ld, without a passage of their topic %ld\n", long{report.redrawn}, long{report.given_up},
                long{report.without_seed});
  }
}

void warn_of_keep(const data::AnswerReport& report) {
  std::string seen;
  for (const std::string& name : report.members_seen) seen += (seen.empty() ? "" : ", ") + name;
  for (const std::string& name : report.keep_not_found)
    log_warning("keep: no prompt has '" + name + "'" + configs::suggestion(name, report.members_seen) + " (prompts have: " + seen + ")");
}

void warn_of_nothing_kept(const data::AnswerReport& report) {
  if (report.answers == 0 || report.kept > 0) return;
  const auto by_count = [](const auto& a, const auto& b) { return a.second < b.second; };
  const std::string& reason = std::max_element(report.dropped.begin(), report.dropped.end(), by_count)->first;
  log_warning("no answer was kept; most were dropped for '" + reason + "'" +
              (reason == "no_result" || reason == "too_few_samples" ? " (vote.enabled=false imports answers that there is nothing to vote on)" : ""));
}

void print_answers(const std::string& output, const data::AnswerReport& report) {
  std::printf("%s: %ld of %ld answers kept, for %ld of %ld prompts (%ld unanswered)\ndropped: %s\n", output.c_str(), long{report.kept}, long{report.answers},
              long{report.prompts_kept}, long{report.prompts}, long{report.unanswered}, counts(report.dropped).c_str());
}

void print_pairs(const std::string& output, const data::PairReport& report) {
  std::printf("%s: %ld pairs from %ld of %ld prompts, mean margin %.3g (no pair: %s)\n", output.c_str(), long{report.pairs}, long{report.prompts_with_pairs},
              long{report.prompts}, report.mean_margin, counts(report.without_pairs).c_str());
  std::printf("length: chosen %.0f characters, rejected %.0f; the longer one wins in %.1f %%; correlation of score and length %.3f; left out for balance %ld\n",
              report.bias.mean_chosen, report.bias.mean_rejected, 100 * report.bias.longer_wins, report.bias.correlation, long{report.left_out_for_balance});
}

template <class Settings, class Report>
int finish(const Settings& settings, const Report& report, bool json, void (*print)(const std::string&, const Report&)) {
  if (json)
    std::printf("%s\n", report.json().dump(-1, ' ', false, OrderedJson::error_handler_t::replace).c_str());
  else
    print(settings.output, report);
  return 0;
}

}  // namespace

int run_synthetic(const SyntheticCommand& command, bool json) {
  if (command.action == "make-prompts") {
    const data::PromptSettings settings = data::read_prompt_settings(command.config, command.overrides);
    return finish(settings, data::make_prompts(settings), json, print_prompts);
  }
  if (command.action == "import-answers") {
    const data::AnswerSettings settings = data::read_answer_settings(command.config, command.overrides);
    const data::AnswerReport report = data::import_answers(settings);
    warn_of_keep(report);
    warn_of_nothing_kept(report);
    return finish(settings, report, json, print_answers);
  }
  const data::PairSettings settings = data::read_pair_settings(command.config, command.overrides);
  return finish(settings, data::make_pairs(settings), json, print_pairs);
}

}  // namespace phidias::launch
