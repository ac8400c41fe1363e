// Which document of a cluster of duplicates stays, and how each member hears of it.
//
// A cluster is known by the number of its first document. One member survives: the first in the order of the input, or the one with the highest score
// (equal scores: the first). A cluster with a document of an earlier dump has no survivor here. A cluster above `largest` members is boilerplate or an
// accident rather than copies of one text: its members all stay or all go.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "configs/enum_names.h"
#include "data/pipeline/dedup/corpus.h"

namespace phidias::data::pipeline {

enum class KeepRule { first, best };
enum class LargeClusters { keep, drop };
enum class DedupScope { global, source };

struct ClusterRules {
  KeepRule keep = KeepRule::first;
  std::int64_t largest = 0;  // 0: no bound
  LargeClusters above_largest = LargeClusters::keep;
};

struct ClusterMember {
  std::int64_t cluster, document;  // numbers of the corpus
  double score;                    // -infinity: none
};

enum class Fate : std::int64_t { survivor, duplicate, earlier_dump, large_kept, large_dropped };

struct Verdict {
  std::int64_t document, cluster, size;
  Fate fate;
};

struct ClusterCounts {
  std::int64_t clusters = 0, members = 0;           // of two documents or more; members of the pipeline at hand
  std::int64_t survivors = 0, with_survivor = 0;    // clusters that must have a survivor: survivors == with_survivor is checked
  std::int64_t earlier = 0, large = 0, alarms = 0;  // clusters that touch an earlier dump; above `largest`; of `alarm` members or more
  std::int64_t largest = 0, largest_cluster = -1;   // members, and the smallest cluster number with so many
};

struct JudgedClusters {
  std::vector<Verdict> verdicts;  // of this rank's documents, rising
  ClusterCounts counts;           // of all ranks
};

// Score that a document competes with: the annotation, or -infinity where it is missing or no number.
double keeping_score(const Document& document, const std::string& annotation);

// Collective. All members of a cluster are on one rank; `members` in any order.
JudgedClusters judge_clusters(const Corpus& corpus, std::vector<ClusterMember> members, const ClusterRules& rules, std::int64_t alarm);

bool is_dropped(Fate fate);
// Whether a document of this rank stays; `verdicts` of judge_clusters.
bool survives(std::span<const Verdict> verdicts, std::int64_t document);
// One decision per document of the units: the verdict's bytes, or none.
void write_decisions(const Corpus& corpus, std::span<const Verdict> verdicts, std::span<RecordList> decisions);
// Annotates <name>.cluster (number of its first document among those that reached the stage; not for earlier_dump) and <name>.cluster_size, and drops with
// duplicate, earlier_dump or large_cluster.
void apply_verdict(const Stage& stage, Document& document, std::string_view decision);
std::vector<std::pair<std::string, std::string>> cluster_notes(const ClusterCounts& counts);

}  // namespace phidias::data::pipeline

namespace phidias::configs {
template <>
inline constexpr std::array<std::string_view, 2> enum_names<data::pipeline::KeepRule>{"first", "best"};
template <>
inline constexpr std::array<std::string_view, 2> enum_names<data::pipeline::LargeClusters>{"keep", "drop"};
template <>
inline constexpr std::array<std::string_view, 2> enum_names<data::pipeline::DedupScope>{"global", "source"};
}  // namespace phidias::configs
