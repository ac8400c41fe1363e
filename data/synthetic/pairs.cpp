#include "data/synthetic/pairs.h"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <unordered_map>

#include "base/atomic_file.h"
#include "base/error.h"
#include "base/json.h"
#include "base/philox.h"
#include "configs/settings_file.h"
#include "data/synthetic/prompt_records.h"
#include "data/tokenizers/utf8.h"

namespace phidias::data {
namespace {

constexpr std::uint64_t kPairStream = 5;  // of the generator of tasks and prompts

struct Candidate {
  std::string text;
  double score = 0;
};

struct Group {
  PromptRecord prompt;
  bool has_prompt = false;
  std::string where;  // first line
  std::vector<Candidate> candidates;
  double success_sum = 0;
  std::int64_t success_count = 0;
};

struct Pair {
  std::size_t group = 0;
  const Candidate* chosen = nullptr;
  const Candidate* rejected = nullptr;
  double margin() const { return chosen->score - rejected->score; }
};

std::int64_t characters(const std::string& text) {
  return std::count_if(text.begin(), text.end(), [](char c) { return !is_continuation(c); });
}

class PairMaker {
 public:
  explicit PairMaker(const PairSettings& settings) : settings_(settings) {}

  PairReport run() {
    read();
    for (std::size_t g = 0; g < groups_.size(); ++g) {
      const std::size_t before = pairs_.size();
      const std::string reason = pair_up(g);
      if (pairs_.size() > before)
        ++report_.prompts_with_pairs;
      else
        ++report_.without_pairs[reason];
    }
    report_.prompts = static_cast<std::int64_t>(groups_.size());
    return write();
  }

 private:
  void read() {
    for (PromptRecord& prompt : read_prompt_records(settings_.prompts, settings_.id_field)) known_.emplace(prompt.id, std::move(prompt));
    for (const std::string& path : settings_.input) {
      for (const std::string& file : json_files(path)) {
        for_each_json_object(
            file, [&](const JsonObject& object) { take_line(object); },
            [&](const std::string& where, const std::string& what) {
              if (settings_.on_error == configs::OnError::stop) throw DataError(where + ": " + what + " (on_error: skip counts such lines)");
              ++report_.broken_lines;
            });
      }
    }
    for (const Group& group : groups_) {
      if (!group.has_prompt) throw DataError(group.where + ": no prompt for the id '" + group.prompt.id + "', here or in `prompts`");
    }
  }

  void take_line(const JsonObject& object) {
    Group& group = group_of(object);
    const OrderedJson* candidates = member_at(object.value, "candidates");
    if (candidates == nullptr) return take_candidate(object.value, group);
    if (!candidates->is_array()) throw DataError(object.where + ": 'candidates' is no list");
    for (const OrderedJson& candidate : *candidates) take_candidate(candidate, group);
  }

  Group& group_of(const JsonObject& object) {
    const bool own = member_at(object.value, "prompt") != nullptr || member_at(object.value, "messages") != nullptr;
    PromptRecord prompt;
    if (own) prompt = read_prompt_record(object, settings_.id_field);
    const std::string id = own ? prompt.id : text_at(object.value, settings_.id_field).value_or(std::to_string(object.line));
    const auto [at, is_new] = by_id_.emplace(id, groups_.size());
    if (is_new) {
      groups_.emplace_back().where = object.where;
      groups_.back().prompt.id = id;
      if (const auto known = known_.find(id); known != known_.end()) {
        groups_.back().prompt = known->second;
        groups_.back().has_prompt = true;
      }
    }
    Group& group = groups_[at->second];
    if (own && group.has_prompt && group.prompt.messages != prompt.messages)
      throw DataError(object.where + ": another prompt for the id '" + id + "' than at " + group.where);
    if (own && !group.has_prompt) {
      group.prompt = std::move(prompt);
      group.has_prompt = true;
    }
    return group;
  }

  void take_candidate(const OrderedJson& candidate, Group& group) {
    ++report_.candidates;
    const OrderedJson* text = member_at(candidate, settings_.text_field);
    const std::optional<double> score = number_at(candidate, settings_.score_field);
    if (text == nullptr || !text->is_string() || !score || !std::isfinite(*score) || member_at(candidate, "error") != nullptr) {
      ++report_.unusable_candidates;
      return;
    }
    group.candidates.push_back({text->get<std::string>(), *score});
    scores_and_lengths_.emplace_back(*score, static_cast<double>(characters(group.candidates.back().text)));
    if (const std::optional<double> success = settings_.success_field.empty() ? std::nullopt : number_at(candidate, settings_.success_field)) {
      group.success_sum += *success;
      ++group.success_count;
    }
  }

  // Adds the group's pairs; the reason where there are none.
  std::string pair_up(std::size_t number) {
    const Group& group = groups_[number];
    if (group.candidates.size() < 2) return "too_few_candidates";
    if (!settings_.success_field.empty()) {
      const double success = group.success_count > 0 ? group.success_sum / static_cast<double>(group.success_count) : -1;
      if (success < settings_.success_range[0] || success > settings_.success_range[1]) return "not_pivotal";
    }
    std::vector<const Candidate*> ranked;
    for (const Candidate& candidate : group.candidates) ranked.push_back(&candidate);
    std::stable_sort(ranked.begin(), ranked.end(), [](const Candidate* a, const Candidate* b) { return a->score > b->score; });
    std::string reason = "equal_scores";
    std::int64_t made = 0;
    for (const Pair& pair : proposed(number, ranked)) {
      if (pair.margin() <= 0) continue;
      if (pair.margin() < settings_.minimum_margin) {
        if (reason == "equal_scores") reason = "small_margin";
        continue;
      }
      if (pair.chosen->text == pair.rejected->text) {
        reason = "equal_texts";
        continue;
      }
      if (made == settings_.pairs_per_prompt) break;
      pairs_.push_back(pair);
      ++made;
    }
    return reason;
  }

  std::vector<Pair> proposed(std::size_t number, const std::vector<const Candidate*>& ranked) const {
    std::vector<Pair> pairs;
    const std::size_t count = ranked.size();
    if (settings_.rule == PairRule::best_worst) {
      for (std::size_t i = 0; i < count / 2; ++i) pairs.push_back({number, ranked[i], ranked[count - 1 - i]});
    } else if (settings_.rule == PairRule::best_all) {
      for (std::size_t i = count - 1; i > 0; --i) pairs.push_back({number, ranked[0], ranked[i]});
    } else {
      const PhiloxKey key = philox_key(static_cast<std::uint64_t>(settings_.seed), RandomSite::task_generator, kPairStream, number);
      for (std::size_t i = 0; i + 1 < count; ++i) pairs.push_back({number, ranked[0], ranked[1 + philox_permute(key, count - 1, i)]});
    }
    return pairs;
  }

  OrderedJson record(const Pair& pair) const {
    const PromptRecord& prompt = groups_[pair.group].prompt;
    OrderedJson object = {{"id", prompt.id}};
    const auto answer = [&](const std::string& text) -> OrderedJson {
      if (!prompt.is_chat) return text;
      return OrderedJson::array({{{"role", "assistant"}, {"content", text}}});
    };
    object["prompt"] = prompt.is_chat ? prompt.messages : OrderedJson(prompt.text);
    object["chosen"] = answer(pair.chosen->text);
    object["rejected"] = answer(pair.rejected->text);
    object["margin"] = pair.margin();
    return object;
  }

  PairReport write() {
    std::vector<PairLengths> lengths;
    for (const Pair& pair : pairs_) lengths.push_back({characters(pair.chosen->text), characters(pair.rejected->text), pair.margin()});
    if (settings_.balance_lengths) {
      std::vector<bool> leave(pairs_.size(), false);
      for (const std::size_t i : left_out_for_balance(lengths)) leave[i] = true;
      report_.left_out_for_balance = std::count(leave.begin(), leave.end(), true);
      std::size_t kept = 0;
      for (std::size_t i = 0; i < pairs_.size(); ++i) {
        if (leave[i]) continue;
        pairs_[kept] = pairs_[i];
        lengths[kept++] = lengths[i];
      }
      pairs_.resize(kept);
      lengths.resize(kept);
    }
    std::string records;
    double margins = 0;
    for (const Pair& pair : pairs_) {
      records += json_line(record(pair));
      margins += pair.margin();
    }
    report_.pairs = static_cast<std::int64_t>(pairs_.size());
    if (report_.pairs > 0) report_.mean_margin = margins / static_cast<double>(report_.pairs);
    report_.bias = length_bias(lengths, scores_and_lengths_);
    const std::filesystem::path output = settings_.output;
    if (output.has_parent_path()) std::filesystem::create_directories(output.parent_path());
    write_file_atomic(output, records);
    write_file_atomic(settings_.output + ".report.json", report_.json().dump(2) + "\n");
    return report_;
  }

  const PairSettings& settings_;
  PairReport report_;
  std::unordered_map<std::string, PromptRecord> known_;
  std::unordered_map<std::string, std::size_t> by_id_;
  std::vector<Group> groups_;  // in the order of their first lines
  std::vector<Pair> pairs_;
  std::vector<std::pair<double, double>> scores_and_lengths_;
};

}  // namespace

PairSettings read_pair_settings(const std::string& path, const std::vector<std::string>& overrides) {
  return configs::read_settings<PairSettings>(path, overrides, [](const PairSettings& settings, configs::ReadState& state) {
    if (settings.success_range.size() == 2 && settings.success_range[0] > settings.success_range[1])
      configs::add_problem(state, "success_range", "the lowest mean is above the highest");
  });
}

OrderedJson PairReport::json() const {
  std::int64_t none = 0;
  for (const auto& [reason, count] : without_pairs) none += count;
  return {{"prompts", prompts},
          {"prompts_with_pairs", prompts_with_pairs},
          {"prompts_without_pairs", none},
          {"without_pairs_by_reason", without_pairs},
          {"candidates", candidates},
          {"unusable_candidates", unusable_candidates},
          {"broken_lines", broken_lines},
          {"pairs", pairs},
          {"left_out_for_balance", left_out_for_balance},
          {"mean_margin", mean_margin},
          {"length_bias", bias.json()}};
}

PairReport make_pairs(const PairSettings& settings) { return PairMaker(settings).run(); }

}  // namespace phidias::data
