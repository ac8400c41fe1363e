#include "data/pipeline/classify/quantile_stage.h"

#include <cmath>
#include <cstdio>

#include "data/pipeline/classify/ranked_records.h"

namespace phidias::data::pipeline {
namespace {

constexpr std::string_view kBelow = "b", kWithoutScore = "n";

std::string group_of(const Document& document, const std::vector<std::string>& per) {
  std::string group;
  for (const std::string& name : per) {
    if (!group.empty()) group += ", ";
    group += name + "=";
    if (name == "source") {
      group += document.source;
    } else if (const auto text = document.annotations().text(name)) {
      group += *text;
    } else if (const auto number = document.annotations().number(name)) {
      char digits[40];
      std::snprintf(digits, sizeof digits, "%.17g", *number);
      group += digits;
    }
  }
  return group;
}

// ceil(keep * documents), with room for the rounding of a share such as 0.29 that is no binary fraction.
std::int64_t kept_of(std::int64_t documents, double keep) {
  const double share = keep * static_cast<double>(documents);
  return std::min(documents, static_cast<std::int64_t>(std::ceil(share * (1 - 1e-12))));
}

}  // namespace

void QuantileStage::collect(const Document& document, std::string& record) const {
  append_ranked_record(group_of(document, config_.per), document.annotations().number(config_.score), 1, record);
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
  for (std::size_t g = 0; g < ends.size(); ++g) {
    char text[120];
    std::snprintf(text, sizeof text, "%.9g (%lld of %lld documents)", score_from_order(ends[g].score), static_cast<long long>(limits[g]),
                  static_cast<long long>(ranked.documents[g]));
    notes_.emplace_back(ranked.groups[g].empty() ? "threshold" : "threshold " + ranked.groups[g], text);
  }
  if (ranked.without_score > 0) notes_.emplace_back("documents without " + config_.score, std::to_string(ranked.without_score));
}

void QuantileStage::apply(Document& document, std::string_view decision) const { document.drop(decision == kWithoutScore ? "no_score" : "below_quantile"); }

}  // namespace phidias::data::pipeline
