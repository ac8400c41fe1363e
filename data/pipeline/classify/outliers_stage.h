// Cuts the tails of an annotation, in each group of its own: the lowest and the highest share of documents, exact over the whole corpus. For measures that have
// no good end, such as perplexity per language.
//
// Of n documents of a group, floor(lowest x n) and floor(highest x n) go; equal values go by the order of the input. Reasons: lowest, highest; no_value (the
// annotation is missing). Notes after resolving: the bounds of each group; an annotation that no document has (also a warning).
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "data/pipeline/classify/quantile_stage.h"

namespace phidias::data::pipeline {

class OutliersStage : public CollectiveStage {
 public:
  struct Config {
    std::string annotation;
    double lowest = 0.01, highest = 0.01;
    std::vector<std::string> per = {"language"};
    WithoutScore without_value = WithoutScore::keep;
  };
  // Throws ConfigError when the two shares leave nothing.
  OutliersStage(const Config& config, const StageSetup& setup);
  std::unique_ptr<StageWorker> worker() const override { return std::make_unique<NoWork>(); }
  void collect(const Document& document, std::string& record) const override;
  std::int64_t resolve_bytes(std::int64_t documents, std::int64_t bytes, int ranks) const override;
  void resolve(const Collected& collected, std::span<RecordList> decisions) override;
  void apply(Document& document, std::string_view decision) const override { document.drop(decision); }
  std::vector<std::pair<std::string, std::string>> notes() const override { return notes_; }

 private:
  Config config_;
  std::vector<std::pair<std::string, std::string>> notes_;
};

template <class Visitor>
void visit(OutliersStage::Config& c, Visitor& v) {
  v.field(c.annotation, {.key = "annotation", .doc = "number by which documents are ordered", .required = true});
  v.field(c.lowest, {.key = "lowest", .doc = "share of documents that goes at the low end", .minimum = 0, .maximum = 1, .is_below = true});
  v.field(c.highest, {.key = "highest", .doc = "share of documents that goes at the high end", .minimum = 0, .maximum = 1, .is_below = true});
  v.field(c.per, {.key = "per", .doc = "annotations, or `source`, whose values make groups; `[]`: one group"});
  v.field(c.without_value, {.key = "without_value", .doc = "documents that do not have the annotation; they count in no group"});
}

}  // namespace phidias::data::pipeline
