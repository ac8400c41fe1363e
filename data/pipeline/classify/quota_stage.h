// Limits how much of the corpus each topic may be, best documents first, so that one kind of text (classifiers of educational level love science) does not
// crowd out the rest.
//
// A limit is a share or an amount, in documents or bytes of text. `of: kept` (default): a share of what the stage lets through, the largest corpus in which
// every share holds; `of: input`: a share of what comes in. Topics without a limit pass whole. Of a topic, documents stay from the top until the next one
// would not fit; equal scores go by the order of the input. Reason: over_quota. Notes after resolving: what was kept of each topic, and the score it ends at;
// annotations and topics that no document has (also a warning).
#pragma once

#include <array>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "data/pipeline/stage_type.h"

namespace phidias::data::pipeline {

enum class QuotaUnit { documents, bytes };
enum class QuotaBase { kept, input };

struct QuotaLimit {
  std::string topic;
  std::optional<double> share;
  std::optional<std::int64_t> amount;
};

class QuotaStage : public CollectiveStage {
 public:
  struct Config {
    std::string topic = "topic", score;
    std::vector<QuotaLimit> limits;
    QuotaUnit unit = QuotaUnit::documents;
    QuotaBase of = QuotaBase::kept;
  };
  // Throws ConfigError for a limit that is neither share nor amount, or both, or a topic with two.
  QuotaStage(const Config& config, const StageSetup& setup);
  std::unique_ptr<StageWorker> worker() const override { return std::make_unique<NoWork>(); }
  void collect(const Document& document, std::string& record) const override;
  std::int64_t resolve_bytes(std::int64_t documents, std::int64_t bytes, int ranks) const override;
  // Throws DataError when no corpus but the empty one fits: all topics have shares, which add up to less than 1.
  void resolve(const Collected& collected, std::span<RecordList> decisions) override;
  void apply(Document& document, std::string_view decision) const override;
  std::vector<std::pair<std::string, std::string>> notes() const override { return notes_; }

 private:
  Config config_;
  std::vector<std::pair<std::string, std::string>> notes_;
};

// What each topic may keep. `weight`: what there is of each; limits[i] belongs to weight[i], null: none. Empty where only nothing fits.
std::vector<std::int64_t> quota_amounts(const std::vector<std::int64_t>& weight, const std::vector<const QuotaLimit*>& limits, QuotaBase of);

template <class Visitor>
void visit(QuotaLimit& c, Visitor& v) {
  v.field(c.topic, {.key = "topic", .doc = "value of the annotation; `(none)`: documents without it", .required = true});
  v.field(c.share, {.key = "share", .doc = "part of the corpus that it may be", .minimum = 0, .maximum = 1, .default_text = "-"});
  v.field(c.amount, {.key = "amount", .doc = "documents or bytes that it may have", .minimum = 0, .default_text = "-"});
}

template <class Visitor>
void visit(QuotaStage::Config& c, Visitor& v) {
  v.field(c.topic, {.key = "topic", .doc = "annotation that names a document's topic, or `source`"});
  v.field(c.score, {.key = "score",
                    .doc = "annotation by which a topic's documents are ranked, largest first; those without it come last",
                    .default_text = "order of the input"});
  v.field(c.limits, {.key = "limits", .doc = "topics with a limit", .required = true});
  v.field(c.unit, {.key = "unit", .doc = "what shares and amounts count"});
  v.field(c.of, {.key = "of", .doc = "what shares are parts of"});
}

}  // namespace phidias::data::pipeline

namespace phidias::configs {
template <>
inline constexpr std::array<std::string_view, 2> enum_names<data::pipeline::QuotaUnit>{"documents", "bytes"};
template <>
inline constexpr std::array<std::string_view, 2> enum_names<data::pipeline::QuotaBase>{"kept", "input"};
}  // namespace phidias::configs
