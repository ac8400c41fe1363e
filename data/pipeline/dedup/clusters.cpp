#include "data/pipeline/dedup/clusters.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

#include "base/error.h"
#include "data/pipeline/dedup/exchange.h"
#include "data/pipeline/dedup/key_sort.h"

namespace phidias::data::pipeline {
namespace {

// As it travels to apply(): the cluster is a number among the pipeline's own documents, negative for one that begins in an earlier dump.
struct Decision {
  std::int64_t cluster, size, fate;
};

using Members = std::vector<ClusterMember>::const_iterator;

void judge(Members begin, Members end, const ClusterRules& rules, std::int64_t earlier, JudgedClusters& judged) {
  const std::int64_t size = end - begin;
  const bool touches_earlier = begin->document < earlier, large = rules.largest > 0 && size > rules.largest;
  const Members best = std::max_element(begin, end, [](const ClusterMember& a, const ClusterMember& b) { return a.score < b.score; });  // first of equals
  const std::int64_t survivor = rules.keep == KeepRule::best ? best->document : begin->document;
  ClusterCounts& counts = judged.counts;
  ++counts.clusters;
  counts.earlier += touches_earlier;
  counts.large += large;
  counts.with_survivor += !touches_earlier && !large;
  for (Members member = begin; member != end; ++member) {
    if (member->document < earlier) continue;
    ++counts.members;
    const Fate fate = large                          ? rules.above_largest == LargeClusters::keep ? Fate::large_kept : Fate::large_dropped
                      : touches_earlier              ? Fate::earlier_dump
                      : member->document == survivor ? Fate::survivor
                                                     : Fate::duplicate;
    counts.survivors += fate == Fate::survivor;
    judged.verdicts.push_back({member->document, member->cluster, size, fate});
  }
  if (size > counts.largest || (size == counts.largest && begin->cluster < counts.largest_cluster)) {
    counts.largest = size;
    counts.largest_cluster = begin->cluster;
  }
}

void add_over_ranks(parallel::Communicator& group, ClusterCounts& counts) {
  const std::int64_t largest = max_over_ranks(group, counts.largest);
  const std::int64_t none = std::numeric_limits<std::int64_t>::max();
  std::int64_t first = counts.largest == largest && counts.largest_cluster >= 0 ? counts.largest_cluster : none;
  group.all_reduce(&first, 1, parallel::DataType::int64, parallel::ReduceOp::min);
  counts.largest = largest;
  counts.largest_cluster = first == none ? -1 : first;
  for (std::int64_t* count : {&counts.clusters, &counts.members, &counts.survivors, &counts.with_survivor, &counts.earlier, &counts.large, &counts.alarms})
    *count = sum_over_ranks(group, *count);
}

}  // namespace

double keeping_score(const Document& document, const std::string& annotation) {
  const std::optional<double> score = document.annotations().number(annotation);
  return score && !std::isnan(*score) ? *score : -std::numeric_limits<double>::infinity();
}

JudgedClusters judge_clusters(const Corpus& corpus, std::vector<ClusterMember> members, const ClusterRules& rules, std::int64_t alarm) {
  std::sort(members.begin(), members.end(),
            [](const ClusterMember& a, const ClusterMember& b) { return std::pair(a.cluster, a.document) < std::pair(b.cluster, b.document); });
  JudgedClusters judged;
  for_each_run(
      members, [](const ClusterMember& a, const ClusterMember& b) { return a.cluster == b.cluster; },
      [&](Members begin, Members end) {
        if (end - begin < 2) return;
        judge(begin, end, rules, corpus.earlier(), judged);
        judged.counts.alarms += alarm > 0 && end - begin >= alarm;
      });
  members = {};
  add_over_ranks(corpus.group(), judged.counts);
  if (judged.counts.survivors != judged.counts.with_survivor)
    throw DataError("duplicates: " + std::to_string(judged.counts.with_survivor) + " clusters would leave " + std::to_string(judged.counts.survivors) +
                    " survivors; this is a defect of the program, nothing was dropped");
  judged.verdicts = exchange(corpus.group(), std::move(judged.verdicts), [&](const Verdict& verdict) { return corpus.rank_of(verdict.document); });
  std::sort(judged.verdicts.begin(), judged.verdicts.end(), [](const Verdict& a, const Verdict& b) { return a.document < b.document; });
  return judged;
}

bool is_dropped(Fate fate) { return fate != Fate::survivor && fate != Fate::large_kept; }

bool survives(std::span<const Verdict> verdicts, std::int64_t document) {
  const auto verdict = std::lower_bound(verdicts.begin(), verdicts.end(), document, [](const Verdict& v, std::int64_t d) { return v.document < d; });
  return verdict == verdicts.end() || verdict->document != document || !is_dropped(verdict->fate);
}

void write_decisions(const Corpus& corpus, std::span<const Verdict> verdicts, std::span<RecordList> decisions) {
  const std::span<const CollectedUnit> units = corpus.collected().units;
  auto verdict = verdicts.begin();
  for (std::size_t u = 0; u < units.size(); ++u) {
    for (std::size_t i = 0; i < units[u].records.size(); ++i) {
      const std::int64_t document = corpus.earlier() + units[u].first_document + static_cast<std::int64_t>(i);
      if (verdict == verdicts.end() || verdict->document != document) {
        decisions[u].add({});
        continue;
      }
      const Decision decision{verdict->cluster - corpus.earlier(), verdict->size, static_cast<std::int64_t>(verdict->fate)};
      decisions[u].add({reinterpret_cast<const char*>(&decision), sizeof decision});
      ++verdict;
    }
  }
}

void apply_verdict(const Stage& stage, Document& document, std::string_view bytes) {
  Decision decision{};
  if (bytes.size() != sizeof decision) throw DataError(stage.name() + ": a decision about " + document.id + " is damaged");
  std::memcpy(&decision, bytes.data(), sizeof decision);
  if (decision.cluster >= 0) document.annotations().set(stage.qualified("cluster"), static_cast<double>(decision.cluster));
  document.annotations().set(stage.qualified("cluster_size"), static_cast<double>(decision.size));
  switch (static_cast<Fate>(decision.fate)) {
    case Fate::duplicate:
      return document.drop("duplicate");
    case Fate::earlier_dump:
      return document.drop("earlier_dump");
    case Fate::large_dropped:
      return document.drop("large_cluster");
    case Fate::survivor:
    case Fate::large_kept:
      return;
  }
}

std::vector<std::pair<std::string, std::string>> cluster_notes(const ClusterCounts& counts) {
  return {{"clusters", std::to_string(counts.clusters)},
          {"members", std::to_string(counts.members)},
          {"survivors", std::to_string(counts.survivors)},
          {"clusters_with_earlier_dump", std::to_string(counts.earlier)},
          {"largest_cluster_members", std::to_string(counts.largest)}};
}

}  // namespace phidias::data::pipeline
