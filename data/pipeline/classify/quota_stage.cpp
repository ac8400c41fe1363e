#include "data/pipeline/classify/quota_stage.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <numeric>

#include "base/error.h"
#include "data/pipeline/classify/ranked_records.h"

namespace phidias::data::pipeline {
namespace {

const std::string kNoTopic = "(none)";

constexpr std::string_view kOver = "o";

// floor(share * whole), with room for the rounding of a share such as 0.29 that is no binary fraction.
std::int64_t part_of(std::int64_t whole, double share) { return static_cast<std::int64_t>(std::floor(share * static_cast<double>(whole) * (1 + 1e-12))); }

}  // namespace

std::vector<std::int64_t> quota_amounts(const std::vector<std::int64_t>& weight, const std::vector<const QuotaLimit*>& limits, QuotaBase of) {
  const std::int64_t input = std::accumulate(weight.begin(), weight.end(), std::int64_t{0});
  std::vector<std::int64_t> amounts(weight);
  // From the whole input down to the largest corpus that is the sum of its parts; each round shortens what the last one left too long.
  for (std::int64_t kept = input;;) {
    for (std::size_t i = 0; i < weight.size(); ++i) {
      if (limits[i] == nullptr) continue;
      amounts[i] = std::min(weight[i], limits[i]->amount ? *limits[i]->amount : part_of(kept, *limits[i]->share));
    }
    const std::int64_t sum = std::accumulate(amounts.begin(), amounts.end(), std::int64_t{0});
    if (of == QuotaBase::input || sum == kept) break;
    kept = sum;
  }
  const bool wants_something =
      std::any_of(limits.begin(), limits.end(), [](const QuotaLimit* limit) { return limit != nullptr && limit->share.value_or(0) > 0; });
  const bool is_empty = std::all_of(amounts.begin(), amounts.end(), [](std::int64_t amount) { return amount == 0; });
  if (input > 0 && is_empty && wants_something) amounts.clear();
  return amounts;
}

QuotaStage::QuotaStage(const Config& config, const StageSetup& setup) : CollectiveStage(setup), config_(config) {
  for (std::size_t i = 0; i < config.limits.size(); ++i) {
    const QuotaLimit& limit = config.limits[i];
    if (limit.share.has_value() == limit.amount.has_value())
      throw ConfigError("stage " + setup.name + ": the limit of '" + limit.topic + "' needs share or amount, one of them");
    for (std::size_t j = 0; j < i; ++j)
      if (config.limits[j].topic == limit.topic) throw ConfigError("stage " + setup.name + ": two limits for '" + limit.topic + "'");
  }
}

void QuotaStage::collect(const Document& document, std::string& record) const {
  const std::string_view topic = config_.topic == "source" ? std::string_view(document.source) : document.annotations().text(config_.topic).value_or("");
  // Every document counts; without a score it comes behind all that have one.
  const double score = config_.score.empty() ? 0 : document.annotations().number(config_.score).value_or(NAN);
  append_ranked_record(topic, score, config_.unit == QuotaUnit::documents ? 1 : static_cast<std::int64_t>(document.text().size()), record);
}

std::int64_t QuotaStage::resolve_bytes(std::int64_t documents, std::int64_t, int ranks) const { return (documents / ranks + 1) * kRankedBytes; }

void QuotaStage::resolve(const Collected& collected, std::span<RecordList> decisions) {
  const RankedDocuments ranked = gather_ranked(collected);
  std::vector<const QuotaLimit*> limits;
  for (const std::string& topic : ranked.groups) {
    const auto limit =
        std::find_if(config_.limits.begin(), config_.limits.end(), [&](const QuotaLimit& each) { return each.topic == (topic.empty() ? kNoTopic : topic); });
    limits.push_back(limit == config_.limits.end() ? nullptr : &*limit);
  }
  const std::vector<std::int64_t> amounts = quota_amounts(ranked.weight, limits, config_.of);
  if (amounts.empty() && !ranked.groups.empty())
    throw DataError(
        "stage " + name() +
        ": the shares of the topics that are there add up to less than 1, so that only an empty corpus fits: give one topic no limit, or of: input");
  const std::vector<SelectionEnd> ends = select_best(ranked.entries, amounts, *collected.group);
  for_each_ranked(collected, ranked, [&](std::size_t unit, const RankedEntry* entry) { decisions[unit].add(ends[entry->group].keeps(*entry) ? "" : kOver); });
  notes_.clear();
  const std::int64_t scored = [&] {
    std::vector<std::int64_t> sum{std::count_if(ranked.entries.begin(), ranked.entries.end(), [](const RankedEntry& entry) { return entry.score != 0; })};
    add_up(sum, *collected.group);
    return sum.front();
  }();
  if (!config_.score.empty() && scored == 0) tell_missing(name(), "the annotation '" + config_.score + "'", collected, notes_);
  const bool has_topics = ranked.groups.size() > 1 || (ranked.groups.size() == 1 && !ranked.groups.front().empty());
  if (!has_topics) tell_missing(name(), "the annotation '" + config_.topic + "'", collected, notes_);
  for (const QuotaLimit& limit : config_.limits)
    if (has_topics && !limit.topic.empty() && !std::binary_search(ranked.groups.begin(), ranked.groups.end(), limit.topic))
      tell_missing(name(), "the topic '" + limit.topic + "', which has a limit", collected, notes_);
  for (std::size_t g = 0; g < ends.size(); ++g) {
    char text[120];
    std::snprintf(text, sizeof text, "%lld of %lld %s", static_cast<long long>(amounts[g]), static_cast<long long>(ranked.weight[g]),
                  config_.unit == QuotaUnit::documents ? "documents" : "bytes allowed");
    std::string note = text;
    if (ends[g].any && !config_.score.empty()) {
      std::snprintf(text, sizeof text, ", down to a score of %.9g", score_from_order(ends[g].score));
      note += text;
    }
    notes_.emplace_back("topic " + (ranked.groups[g].empty() ? kNoTopic : ranked.groups[g]), note);
  }
}

void QuotaStage::apply(Document& document, std::string_view) const { document.drop("over_quota"); }

}  // namespace phidias::data::pipeline
