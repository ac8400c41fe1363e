#include "data/synthetic/answers.h"

#include <algorithm>
#include <filesystem>
#include <set>
#include <unordered_map>
#include <unordered_set>

#include "base/atomic_file.h"
#include "base/error.h"
#include "base/hash.h"
#include "base/json.h"
#include "configs/settings_file.h"
#include "data/json_objects.h"
#include "data/synthetic/answers_checks.h"
#include "data/synthetic/near_duplicates.h"
#include "data/synthetic/prompt_records.h"
#include "data/tokenizers/utf8.h"

namespace phidias::data {
namespace {

constexpr std::size_t kShingleWords = 5;

struct Answer {
  std::size_t prompt = 0;
  std::string text, reason;  // reason empty: kept so far
  std::string id;            // as written, for the file of dropped answers
};

class AnswerImport {
 public:
  explicit AnswerImport(const AnswerSettings& settings) : settings_(settings), checks_(settings), result_(settings.vote.pattern) {}

  AnswerReport run() {
    prompts_ = read_prompt_records(settings_.prompts, settings_.id_field);
    for (std::size_t i = 0; i < prompts_.size(); ++i) by_id_.emplace(prompts_[i].id, i);
    for (const std::string& path : settings_.answers)
      for (const std::string& file : json_files(path)) read(file);
    group();
    if (settings_.vote.enabled)
      for (const auto& members : answers_of_) vote(members);
    drop_duplicates();
    for (const auto& members : answers_of_) drop_surplus(members);
    return write();
  }

 private:
  void read(const std::string& file) {
    for_each_json_object(
        file, [&](const JsonObject& object) { answers_.push_back(checked(object)); },
        [&](const std::string& where, const std::string& what) {
          if (settings_.on_error == configs::OnError::stop) throw DataError(where + ": " + what + " (on_error: skip counts such lines as dropped)");
          answers_.push_back({.reason = "broken_line", .id = where});
        });
  }

  Answer checked(const JsonObject& object) const {
    Answer answer;
    answer.id = text_at(object.value, settings_.id_field).value_or("");
    if (member_at(object.value, "error") != nullptr) {
      answer.reason = "generator_error";
      return answer;
    }
    const OrderedJson* text = member_at(object.value, settings_.text_field);
    if (text == nullptr || !text->is_string()) {
      answer.reason = "schema";
      return answer;
    }
    answer.text = text->get<std::string>();
    const auto prompt = by_id_.find(answer.id);
    if (prompt == by_id_.end()) {
      answer.reason = "unknown_prompt";
      return answer;
    }
    answer.prompt = prompt->second;
    const PromptRecord& record = prompts_[answer.prompt];
    answer.reason = checks_.reason(record.question, record.line, object.value, answer.text);
    return answer;
  }

  void group() {
    answers_of_.resize(prompts_.size());
    answered_.assign(prompts_.size(), false);
    for (std::size_t i = 0; i < answers_.size(); ++i) {
      if (by_id_.contains(answers_[i].id)) answered_[by_id_.at(answers_[i].id)] = true;
      if (answers_[i].reason.empty()) answers_of_[answers_[i].prompt].push_back(i);
    }
  }

  void drop_all(const std::vector<std::size_t>& members, const std::string& reason) {
    for (const std::size_t i : members)
      if (answers_[i].reason.empty()) answers_[i].reason = reason;
  }

  // Phi-4: a question on which all samples agree teaches nothing, and one on which none do is too hard or broken.
  void vote(const std::vector<std::size_t>& members) {
    std::map<std::string, std::vector<std::size_t>> by_result;
    std::size_t voters = 0;
    for (const std::size_t i : members) {
      const std::optional<std::string> found = result_.find(answers_[i].text);
      if (!found) {
        answers_[i].reason = "no_result";
        continue;
      }
      by_result[*found].push_back(i);
      ++voters;
    }
    if (voters < static_cast<std::size_t>(settings_.vote.minimum_samples)) return drop_all(members, "too_few_samples");
    if (by_result.size() == 1 && settings_.vote.drop_unanimous) return drop_all(members, "too_easy");
    std::size_t most = 0, with_most = 0;
    for (const auto& [text, voices] : by_result) most = std::max(most, voices.size());
    for (const auto& [text, voices] : by_result) with_most += voices.size() == most;
    const bool agreed = most > 1 && with_most == 1 && static_cast<double>(most) >= settings_.vote.minimum_agreement * static_cast<double>(voters);
    if (!agreed) return drop_all(members, "too_hard");
    for (const auto& [text, voices] : by_result)
      if (voices.size() != most) drop_all(voices, "minority");
  }

  // In the order of the file. Before the surplus goes: of two samples, one a copy, the other one stays.
  void drop_duplicates() {
    std::unordered_set<std::string> exact;
    NearDuplicates near(settings_.similarity, kShingleWords);
    for (std::size_t i = 0; i < answers_.size(); ++i) {
      Answer& answer = answers_[i];
      if (!answer.reason.empty() || surplus(answer)) continue;
      // Short answers may be right more than once: "42" is a duplicate only as an answer to the same question.
      const std::vector<std::string> words = plain_words(answer.text);
      const bool is_short = words.size() < 2 * kShingleWords;
      const std::string compared = is_short ? prompts_[answer.prompt].question + "\n" + answer.text : answer.text;
      if (!exact.insert(hash_string(compared).hex()).second) {
        answer.reason = "duplicate";
      } else if (!is_short && near.find(answer.text)) {
        answer.reason = "near_duplicate";
      } else {
        if (!is_short) near.add(answer.text, static_cast<std::int64_t>(i));
        ++kept_of_[answer.prompt];
      }
    }
  }

  bool surplus(const Answer& answer) {
    if (kept_of_.empty()) kept_of_.assign(prompts_.size(), 0);
    return kept_of_[answer.prompt] >= settings_.per_prompt;
  }

  void drop_surplus(const std::vector<std::size_t>& members) {
    std::int64_t kept = 0;
    for (const std::size_t i : members) {
      if (!answers_[i].reason.empty()) continue;
      if (++kept > settings_.per_prompt) answers_[i].reason = "surplus";
    }
  }

  OrderedJson record(const Answer& answer, std::int64_t number) const {
    const PromptRecord& prompt = prompts_[answer.prompt];
    OrderedJson object = {{"id", settings_.per_prompt > 1 ? prompt.id + "-" + std::to_string(number) : prompt.id}};
    if (settings_.form == AnswerForm::text) {
      object["text"] = answer.text;
    } else if (settings_.form == AnswerForm::completion) {
      object["prompt"] = prompt.text;
      object["completion"] = answer.text;
    } else {
      object["messages"] = prompt.messages;
      object["messages"].push_back({{"role", "assistant"}, {"content", answer.text}});
    }
    for (const std::string& member : settings_.keep)
      if (const OrderedJson* value = member_at(prompt.line, member)) object[member] = *value;
    return object;
  }

  void find_kept_members(AnswerReport& report) const {
    const std::vector<std::string> usual = AnswerSettings{}.keep;
    for (const std::string& name : settings_.keep) {
      const bool is_there = std::any_of(prompts_.begin(), prompts_.end(), [&](const PromptRecord& prompt) { return member_at(prompt.line, name) != nullptr; });
      if (!is_there && std::find(usual.begin(), usual.end(), name) == usual.end()) report.keep_not_found.push_back(name);
    }
    if (report.keep_not_found.empty()) return;
    std::set<std::string> members;
    for (const PromptRecord& prompt : prompts_)
      for (const auto& member : prompt.line.items()) members.insert(member.key());
    report.members_seen.assign(members.begin(), members.end());
  }

  AnswerReport write() const {
    AnswerReport report;
    report.prompts = static_cast<std::int64_t>(prompts_.size());
    report.answers = static_cast<std::int64_t>(answers_.size());
    report.unanswered = std::count(answered_.begin(), answered_.end(), false);
    std::string records, dropped;
    std::vector<std::int64_t> numbers(prompts_.size(), 0);
    std::int64_t length = 0, dropped_count = 0;
    for (const Answer& answer : answers_) {
      if (!answer.reason.empty()) {
        ++report.dropped[answer.reason];
        ++dropped_count;
        if (!settings_.dropped.empty()) dropped += json_line({{"id", answer.id}, {"reason", answer.reason}, {"text", answer.text}});
        continue;
      }
      ++report.kept;
      report.prompts_kept += numbers[answer.prompt] == 0;
      length += std::count_if(answer.text.begin(), answer.text.end(), [](char c) { return !is_continuation(c); });
      records += json_line(record(answer, ++numbers[answer.prompt]));
    }
    if (report.kept + dropped_count != report.answers) throw DataError("import-answers lost an answer: a mistake of the program");
    if (report.kept > 0) report.mean_characters = static_cast<double>(length) / static_cast<double>(report.kept);
    find_kept_members(report);
    const std::filesystem::path output = settings_.output;
    if (output.has_parent_path()) std::filesystem::create_directories(output.parent_path());
    write_file_atomic(output, records);
    if (!settings_.dropped.empty()) write_file_atomic(settings_.dropped, dropped);
    write_file_atomic(settings_.output + ".report.json", report.json().dump(2) + "\n");
    return report;
  }

  const AnswerSettings& settings_;
  AnswerChecks checks_;
  ResultPattern result_;
  std::vector<PromptRecord> prompts_;
  std::unordered_map<std::string, std::size_t> by_id_;
  std::vector<Answer> answers_;
  std::vector<std::vector<std::size_t>> answers_of_;  // by prompt: answers that passed the checks
  std::vector<bool> answered_;
  std::vector<std::int64_t> kept_of_;
};

}  // namespace

AnswerSettings read_answer_settings(const std::string& path, const std::vector<std::string>& overrides) {
  return configs::read_settings<AnswerSettings>(path, overrides, [](const AnswerSettings& settings, configs::ReadState& state) {
    const auto attempt = [&](const std::string& key, const auto& make) {
      try {
        make();
      } catch (const ConfigError& error) {
        configs::add_problem(state, key, error.what());
      }
    };
    attempt("refusal_patterns", [&] { AnswerChecks{settings}; });
    attempt("vote.pattern", [&] { ResultPattern{settings.vote.pattern}; });
  });
}

OrderedJson AnswerReport::json() const {
  std::int64_t total = 0;
  for (const auto& [reason, count] : dropped) total += count;
  OrderedJson json = {{"prompts", prompts}, {"unanswered", unanswered}, {"prompts_kept", prompts_kept}, {"answers", answers},
                      {"kept", kept},       {"dropped", total},         {"dropped_by_reason", dropped}, {"mean_characters", mean_characters}};
  if (!keep_not_found.empty()) json["keep_not_found"] = keep_not_found;
  return json;
}

AnswerReport import_answers(const AnswerSettings& settings) { return AnswerImport(settings).run(); }

}  // namespace phidias::data
