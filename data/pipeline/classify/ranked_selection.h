// The best entries of each group over all ranks, exactly: as if all were sorted by score, best first and equal scores by document number, and taken from the
// top while their weights stay within the group's limit.
//
//   std::vector<bool> kept = select_best(entries, limits, group);        // collective
//
// Found by narrowing down one byte of (score, document) at a time on histograms of weights that all ranks add up, 256 numbers per group and byte: nothing is
// sorted or gathered, so that the result is the same on any number of ranks. Memory: sizeof(RankedEntry) = 32 bytes per entry on its rank, and 2 KB per group.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "parallel/communicator.h"

namespace phidias::data::pipeline {

struct RankedEntry {
  std::uint64_t score = 0;     // score_order() of the score
  std::uint64_t document = 0;  // number in the order of the input
  std::int64_t weight = 1;     // documents or bytes; positive
  std::uint32_t group = 0;
};

// An entry, and its number in the list of those that are still open.
inline constexpr std::int64_t kRankedBytes = sizeof(RankedEntry) + sizeof(std::uint32_t);

// Numbers in the order of the scores; what is no number stands below all.
std::uint64_t score_order(double score);
double score_from_order(std::uint64_t order);

// The worst entry of a group that is kept, on every rank. `any`: there is one.
struct SelectionEnd {
  bool any = false;
  std::uint64_t score = 0, document = 0;
  bool keeps(const RankedEntry& entry) const { return any && (entry.score != score ? entry.score > score : entry.document <= document); }
};

// Collective; limits[g] is the weight that group g may keep, the same on every rank.
std::vector<SelectionEnd> select_best(std::span<const RankedEntry> entries, std::span<const std::int64_t> limits, parallel::Communicator& group);

// Collective: the texts of all ranks, each once, sorted; the same on every rank.
std::vector<std::string> union_of(const std::vector<std::string>& texts, parallel::Communicator& group);
// Collective: sums over ranks.
void add_up(std::span<std::int64_t> values, parallel::Communicator& group);

}  // namespace phidias::data::pipeline
