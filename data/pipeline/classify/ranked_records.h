// What the stages that choose among all documents by score collect from each: its group, score and weight.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "data/pipeline/classify/ranked_selection.h"
#include "data/pipeline/stage.h"

namespace phidias::data::pipeline {

// "language=en, source=web": the values of annotations (or `source`) that make groups. Empty for no names.
std::string ranked_group(const Document& document, const std::vector<std::string>& per);

// 17 bytes and the group's name.
void append_ranked_record(std::string_view group, std::optional<double> score, std::int64_t weight, std::string& record);

struct RankedDocuments {
  std::vector<std::string> groups;      // of all ranks, sorted
  std::vector<RankedEntry> entries;     // documents of this rank that have a score, in the order of the units
  std::vector<std::int64_t> documents;  // per group, over all ranks: with a score
  std::vector<std::int64_t> weight;     // per group, over all ranks: of those
  std::int64_t without_score = 0;       // over all ranks
};

// Collective.
RankedDocuments gather_ranked(const Collected& collected);

// Warns (rank 0) and adds a note: `what` is missing from every document, most likely a name that is written wrongly.
void tell_missing(const std::string& stage, const std::string& what, const Collected& collected, std::vector<std::pair<std::string, std::string>>& notes);
// The same for the annotations of `per` that no document has.
void tell_missing_groups(const std::string& stage, const std::vector<std::string>& per, const Collected& collected, const RankedDocuments& ranked,
                         std::vector<std::pair<std::string, std::string>>& notes);

// Calls visit(unit, entry or null for a document without a score) for every document of this rank, in order.
template <class Visit>
void for_each_ranked(const Collected& collected, const RankedDocuments& ranked, Visit&& visit) {
  std::size_t next = 0;
  for (std::size_t u = 0; u < collected.units.size(); ++u)
    for (std::size_t i = 0; i < collected.units[u].records.size(); ++i) {
      const bool has_score = collected.units[u].records[i].front() != '\0';
      visit(u, has_score ? &ranked.entries[next++] : nullptr);
    }
}

}  // namespace phidias::data::pipeline
