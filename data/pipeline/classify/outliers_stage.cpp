#include "data/pipeline/classify/outliers_stage.h"

#include <cmath>
#include <cstdio>

#include "base/error.h"
#include "data/pipeline/classify/ranked_records.h"

namespace phidias::data::pipeline {
namespace {

// floor(share * documents), with room for the rounding of a share that is no binary fraction.
std::int64_t cut_of(std::int64_t documents, double share) {
  return static_cast<std::int64_t>(std::floor(share * static_cast<double>(documents) * (1 + 1e-12)));
}

}  // namespace

OutliersStage::OutliersStage(const Config& config, const StageSetup& setup) : CollectiveStage(setup), config_(config) {
  if (config.lowest + config.highest >= 1) throw ConfigError("stage " + setup.name + ": lowest and highest together leave nothing");
}

void OutliersStage::collect(const Document& document, std::string& record) const {
  append_ranked_record(ranked_group(document, config_.per), document.annotations().number(config_.annotation), 1, record);
}

std::int64_t OutliersStage::resolve_bytes(std::int64_t documents, std::int64_t, int ranks) const { return (documents / ranks + 1) * kRankedBytes; }

void OutliersStage::resolve(const Collected& collected, std::span<RecordList> decisions) {
  const RankedDocuments ranked = gather_ranked(collected);
  std::vector<std::int64_t> highest, not_lowest;
  for (const std::int64_t documents : ranked.documents) {
    highest.push_back(cut_of(documents, config_.highest));
    not_lowest.push_back(documents - cut_of(documents, config_.lowest));
  }
  const std::vector<SelectionEnd> top = select_best(ranked.entries, highest, *collected.group);
  const std::vector<SelectionEnd> rest = select_best(ranked.entries, not_lowest, *collected.group);
  for_each_ranked(collected, ranked, [&](std::size_t unit, const RankedEntry* entry) {
    if (entry == nullptr)
      decisions[unit].add(config_.without_value == WithoutScore::drop ? "no_value" : "");
    else
      decisions[unit].add(top[entry->group].keeps(*entry) ? "highest" : rest[entry->group].keeps(*entry) ? "" : "lowest");
  });
  notes_.clear();
  if (ranked.without_score == collected.documents) tell_missing(name(), "the annotation '" + config_.annotation + "'", collected, notes_);
  for (std::size_t g = 0; g < ranked.groups.size(); ++g) {
    char text[160];
    std::snprintf(text, sizeof text, "from %.9g, %s%.9g (%lld documents)", score_from_order(rest[g].score), top[g].any ? "below " : "no upper end ",
                  top[g].any ? score_from_order(top[g].score) : 0.0, static_cast<long long>(ranked.documents[g]));
    notes_.emplace_back(ranked.groups[g].empty() ? "bounds" : "bounds " + ranked.groups[g], text);
  }
}

}  // namespace phidias::data::pipeline
