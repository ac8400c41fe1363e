// Drops documents with the same text, the same address, or the same text after normalisation as one that stays.
//
// The key is XXH3-128 (two different texts among 1e11 share one with probability 1.5e-17). Keys go to the rank that owns their range, are sorted there,
// and one member of each cluster survives. Documents without an address are not compared by address.
// Bytes per document: 24 collected on disk; of memory in resolve(), over all ranks, 64, and 144 where every document has a copy.
#pragma once

#include <array>
#include <string>
#include <vector>

#include "data/pipeline/dedup/clusters.h"
#include "data/pipeline/dedup/text_normaliser.h"
#include "data/pipeline/stage_type.h"

namespace phidias::data::pipeline {

enum class ExactKey { text, url, normalised_text };

class ExactDedup final : public CollectiveStage {
 public:
  struct Config {
    ExactKey by = ExactKey::text;
    NormaliseSection normalise;
    DedupScope scope = DedupScope::global;
    KeepRule keep = KeepRule::first;
    std::string score;
    std::string write_signatures;
    std::vector<std::string> against;
  };
  // Throws ConfigError for keep: best without a score, DataError for a store that does not fit.
  ExactDedup(const Config& config, const StageSetup& setup);
  ~ExactDedup() override;

  std::unique_ptr<StageWorker> worker() const override { return std::make_unique<NoWork>(); }
  std::vector<std::filesystem::path> resources() const override;
  std::vector<std::pair<std::string, std::string>> notes() const override { return notes_; }
  void collect(const Document& document, std::string& record) const override;
  std::int64_t resolve_bytes(std::int64_t documents, std::int64_t bytes, int ranks) const override;
  void resolve(const Collected& collected, std::span<RecordList> decisions) override;
  void apply(Document& document, std::string_view decision) const override { apply_verdict(*this, document, decision); }

 private:
  std::string parameters() const;

  Config config_;
  TextNormaliser normaliser_;
  std::vector<SignatureStore> stores_;
  std::vector<std::pair<std::string, std::string>> notes_;
};

// Keys that every stage with signature stores has; throws ConfigError where they contradict each other.
void check_survivor_keys(const std::string& stage, KeepRule keep, const std::string& score, const std::string& write_signatures,
                         const std::vector<std::string>& against);
std::vector<std::filesystem::path> store_paths(const std::vector<std::string>& directories, const std::string& stage);

template <class Visitor>
void visit(ExactDedup::Config& c, Visitor& v) {
  v.field(c.by, {.key = "by", .doc = "what two documents must share"});
  v.section(c.normalise, {.key = "normalise", .doc = "of `by: normalised_text`"});
  v.field(c.scope, {.key = "scope", .doc = "`source`: documents of different sources are not compared"});
  v.field(c.keep, {.key = "keep", .doc = "who survives: the first in the order of the input, or the one with the highest `score`"});
  v.field(c.score, {.key = "score", .doc = "annotation that `keep: best` compares", .default_text = "none"});
  v.field(c.write_signatures,
          {.key = "write_signatures", .doc = "directory that receives the signatures of survivors, for later dumps", .default_text = "none"});
  v.field(c.against, {.key = "against", .doc = "directories with the signatures of earlier dumps: what matches them is dropped as `earlier_dump`"});
}

}  // namespace phidias::data::pipeline

namespace phidias::configs {
template <>
inline constexpr std::array<std::string_view, 3> enum_names<data::pipeline::ExactKey>{"text", "url", "normalised_text"};
}
