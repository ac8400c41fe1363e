#include "data/pipeline/classify/quantile_stage.h"

#include <cmath>
#include <cstdio>

#include "base/log.h"
#include "data/pipeline/classify/ranked_records.h"

namespace phidias::data::pipeline {
namespace {

constexpr std::string_view kBelow = "b", kWithoutScore = "n";

// ceil(keep * documents), with room for the rounding of a share such as 0.29 that is no binary fraction.
std::int64_t kept_of(std::int64_t documents, double keep) {
  const double share = keep * static_cast<double>(documents);
  return std::min(documents, static_cast<std::int64_t>(std::ceil(share * (1 - 1e-12))));
}

}  // namespace

void QuantileStage::collect(const Document& document, std::string& record) const {
  append_ranked_record(ranked_group(document, config_.per), document.annotations().number(config_.score), 1, record);
}

std::int64_t QuantileStage::resolve_bytes(std::int64_t documents, std::int64_t, int ranks) const { return (documents / ranks + 1) * kRankedBytes; }

void QuantileStage::resolve(const Collected& collected, std::span<RecordList> decisions) {
  const RankedDocuments ranked = gather_ranked(collected);
  std::vector<std::int64_t> limits;
  for (const std::int64_t documents : ranked.documents) limits.push_back(kept_of(documents, config_.keep));
  const std::vector<SelectionEnd> ends = select_best(ranked.entries, limits, *collected.group);
  for_each_ranked(collected, ranked, [&](std::size_t unit, const RankedEntry* entry) {
    if (entry == nullptr)
      decisions[unit].add(config_.without_score == WithoutScore::drop ? kWithoutScore : "");
    else
      decisions[unit].add(ends[entry->group].keeps(*entry) ? "" : kBelow);
  });
  notes_.clear();
  if (ranked.without_score == collected.documents) tell_missing(name(), "the annotation '" + config_.score + "'", collected, notes_);
  tell_missing_groups(name(), config_.per, collected, ranked, notes_);
  for (std::size_t g = 0; g < ends.size(); ++g) {
    char text[120];
    std::snprintf(text, sizeof text, "%.9g (%lld of %lld documents)", score_from_order(ends[g].score), static_cast<long long>(limits[g]),
                  static_cast<long long>(ranked.documents[g]));
    notes_.emplace_back(ranked.groups[g].empty() ? "threshold" : "threshold " + ranked.groups[g], text);
  }
  note_ties(ranked, limits, ends, *collected.group);
  if (ranked.without_score > 0) notes_.emplace_back("documents without " + config_.score, std::to_string(ranked.without_score));
}

// Scores that many documents share (a calibrated score has steps) leave the choice among these to the order of the input.
void QuantileStage::note_ties(const RankedDocuments& ranked, const std::vector<std::int64_t>& limits, const std::vector<SelectionEnd>& ends,
                              parallel::Communicator& group) {
  std::vector<std::int64_t> equal(2 * ends.size());  // per group: documents at the threshold, and those of them that stay
  for (const RankedEntry& entry : ranked.entries) {
    if (!ends[entry.group].any || entry.score != ends[entry.group].score) continue;
    ++equal[2 * entry.group];
    equal[2 * entry.group + 1] += ends[entry.group].keeps(entry);
  }
  add_up(equal, group);
  std::int64_t all = 0, kept = 0, groups = 0;
  for (std::size_t g = 0; g < ends.size(); ++g) {
    if (equal[2 * g] == equal[2 * g + 1] || 10 * equal[2 * g] <= limits[g]) continue;
    all += equal[2 * g];
    kept += equal[2 * g + 1];
    ++groups;
  }
  if (groups == 0) return;
  const std::string text = std::to_string(all) + " documents stand exactly at the threshold" +
                           (config_.per.empty() ? "" : " of their group (in " + std::to_string(groups) + " groups)") + "; the order of the input chose " +
                           std::to_string(kept) + " of them";
  notes_.emplace_back("ties", text);
  if (group.rank() != 0) return;
  const bool is_raw = config_.score.ends_with("_raw");
  log_warning("stage " + name() + ": " + text +
              (is_raw ? "" : "; if a calibrated classifier wrote '" + config_.score + "', rank by '" + config_.score + "_raw'"));
}

void QuantileStage::apply(Document& document, std::string_view decision) const { document.drop(decision == kWithoutScore ? "no_score" : "below_quantile"); }

}  // namespace phidias::data::pipeline
