// Keeps the top share of documents by an annotation, in each group of its own: exact over the whole corpus, so that "the best 30 % of every language" means it.
//
// Of n documents of a group, ceil(keep x n) stay; equal scores go by the order of the input. Reasons: below_quantile; no_score (the annotation is missing).
// Notes after resolving: the threshold of each group, the score of its last document that stays, for a later pipeline's `threshold`; how many stand
// exactly at it where that is more than a tenth of those that stay and some of them go; names that no document carries (also a warning).
#pragma once

#include <array>
#include <memory>
#include <string>
#include <vector>

#include "data/pipeline/classify/ranked_records.h"
#include "data/pipeline/stage_type.h"

namespace phidias::data::pipeline {

enum class WithoutScore { drop, keep };

class QuantileStage : public CollectiveStage {
 public:
  struct Config {
    std::string score;
    double keep = 0;
    std::vector<std::string> per;
    WithoutScore without_score = WithoutScore::drop;
  };
  QuantileStage(const Config& config, const StageSetup& setup) : CollectiveStage(setup), config_(config) {}
  std::unique_ptr<StageWorker> worker() const override { return std::make_unique<NoWork>(); }
  void collect(const Document& document, std::string& record) const override;
  std::int64_t resolve_bytes(std::int64_t documents, std::int64_t bytes, int ranks) const override;
  void resolve(const Collected& collected, std::span<RecordList> decisions) override;
  void apply(Document& document, std::string_view decision) const override;
  std::vector<std::pair<std::string, std::string>> notes() const override { return notes_; }

 private:
  void note_ties(const RankedDocuments& ranked, const std::vector<std::int64_t>& limits, const std::vector<SelectionEnd>& ends, parallel::Communicator& group);
  Config config_;
  std::vector<std::pair<std::string, std::string>> notes_;
};

template <class Visitor>
void visit(QuantileStage::Config& c, Visitor& v) {
  v.field(c.score, {.key = "score", .doc = "annotation by which documents are ranked, largest first", .required = true});
  v.field(c.keep, {.key = "keep", .doc = "share of documents that stays", .required = true, .minimum = 0, .maximum = 1, .is_above = true});
  v.field(c.per, {.key = "per", .doc = "annotations, or `source`, whose values make groups: `[language, source]`", .default_text = "one group"});
  v.field(c.without_score, {.key = "without_score", .doc = "documents that do not have the annotation; they count in no group"});
}

}  // namespace phidias::data::pipeline

namespace phidias::configs {
template <>
inline constexpr std::array<std::string_view, 2> enum_names<data::pipeline::WithoutScore>{"drop", "keep"};
}
