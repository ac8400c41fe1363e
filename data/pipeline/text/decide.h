// Stage `decide`: drops documents by what earlier stages, or an earlier pipeline, found out about them.
//
//   - decide: {rules: [{annotation: gopher_quality.words, minimum: 50, maximum: 100000}, {annotation: language, equals: [en, de], missing: drop}]}
//
// Rules are tried in order; the first that a document breaks is its reason: the rule's `name`, else its annotation, with `_missing` behind it where
// the document lacks the annotation (`missing: drop`). At the end each process warns of annotations that none of its documents had. Annotations of documents
// read again from an earlier pipeline's output are decided upon in the same way: annotate once, decide many times.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "configs/field.h"
#include "data/pipeline/stage.h"

namespace phidias::data::pipeline {

enum class MissingAnnotation { keep, drop };

struct DecideRule {
  std::string annotation, name;
  std::optional<double> minimum, maximum;
  std::vector<std::string> equals, differs;
  MissingAnnotation missing = MissingAnnotation::keep;
};

enum class RuleOutcome { passes, broken, missing };

// An annotation of another type than the rule asks for is a missing one.
RuleOutcome outcome_of(const DecideRule& rule, const Annotations& annotations);

class Decide final : public Stage {
 public:
  struct Config {
    std::vector<DecideRule> rules;
  };
  // Throws ConfigError for a rule without an annotation, or that asks for nothing, or whose minimum is above its maximum.
  Decide(const Config& config, const StageSetup& setup);
  ~Decide() override;
  std::unique_ptr<StageWorker> worker() const override;
  // Warnings so far: rules whose annotation no document had. They are about this process, not about all ranks, and so are no notes of the manifest.
  std::vector<std::string> never_found() const;

  // Whether a rule has found its annotation; many threads write.
  struct RuleUse {
    std::atomic<bool> found = false;
    std::atomic<std::int64_t> missing = 0;  // documents, as long as none was found
  };

 private:
  Config config_;
  std::unique_ptr<RuleUse[]> uses_;
};

template <class Visitor>
void visit(DecideRule& r, Visitor& v) {
  v.field(r.annotation, {.key = "annotation", .doc = "what is looked at", .required = true});
  v.field(r.name, {.key = "name", .doc = "reason of the documents that break the rule", .default_text = "the annotation"});
  v.field(r.minimum, {.key = "minimum", .doc = "smallest number that stays", .default_text = "none"});
  v.field(r.maximum, {.key = "maximum", .doc = "largest number that stays", .default_text = "none"});
  v.field(r.equals, {.key = "equals", .doc = "it has to be one of these (numbers and `true`, `false` as texts)"});
  v.field(r.differs, {.key = "differs", .doc = "it must be none of these"});
  v.field(r.missing, {.key = "missing", .doc = "documents without this annotation"});
}

template <class Visitor>
void visit(Decide::Config& c, Visitor& v) {
  v.field(c.rules, {.key = "rules", .doc = "tried in order", .required = true});
}

}  // namespace phidias::data::pipeline

namespace phidias::configs {
template <>
inline constexpr std::array<std::string_view, 2> enum_names<data::pipeline::MissingAnnotation>{"keep", "drop"};
}
