// Near-duplicates: MinHash signatures, LSH bands, candidate pairs checked by their exact Jaccard similarity, clusters over all ranks, one survivor each.
//
// Signatures are datatrove's (minhash_signature.h). What differs from datatrove by default, and the switch: 20 bands of 5 rows instead of 14 of 8 (at
// similarity 0.8 two documents meet with probability 0.9996 instead of 0.924; the check keeps precision) and the check itself. `preset: fineweb` is 14 x 8,
// 5 words, no check. Survivor: the first in the order of the input instead of a union-find root. A text with fewer words than a shingle has no
// near-duplicates, as there.
// Bytes per document: 16 + 8 bands + id + 4 per distinct shingle collected on disk; 8 bands + 48 of memory over all ranks, and 48 per candidate pair (8
// pairs a document are provided for).
#pragma once

#include <array>
#include <string>
#include <vector>

#include "data/pipeline/dedup/clusters.h"
#include "data/pipeline/dedup/minhash_signature.h"
#include "data/pipeline/stage_type.h"

namespace phidias::data::pipeline {

enum class MinhashPreset { none, fineweb };

class MinhashDedup final : public CollectiveStage {
 public:
  struct Config {
    MinhashPreset preset = MinhashPreset::none;
    std::int64_t bands = 20, rows = 5, shingle_words = 5;
    double jaccard = 0.8;
    SplitterKind splitter = SplitterKind::whitespace;
    NormaliseSection normalise;
    std::int64_t permutation_seed = 1;
    DedupScope scope = DedupScope::global;
    KeepRule keep = KeepRule::first;
    std::string score;
    std::int64_t alarm_cluster = 100, largest_cluster = 0;
    LargeClusters above_largest = LargeClusters::keep;
    std::string write_signatures;
    std::vector<std::string> against;
  };
  // Throws ConfigError for keys that contradict each other, DataError for a store that does not fit.
  MinhashDedup(const Config& config, const StageSetup& setup);
  ~MinhashDedup() override;

  std::unique_ptr<StageWorker> worker() const override { return std::make_unique<NoWork>(); }
  std::vector<std::filesystem::path> resources() const override;
  std::vector<std::pair<std::string, std::string>> notes() const override { return notes_; }
  void collect(const Document& document, std::string& record) const override;
  std::int64_t resolve_bytes(std::int64_t documents, std::int64_t bytes, int ranks) const override;
  void resolve(const Collected& collected, std::span<RecordList> decisions) override;
  void apply(Document& document, std::string_view decision) const override { apply_verdict(*this, document, decision); }

 private:
  std::string parameters() const;
  void note_parameters();
  void raise_alarm(const Corpus& corpus, const JudgedClusters& judged);

  Config config_;
  std::size_t bands_;
  TextNormaliser normaliser_;
  Permutations permutations_;
  std::vector<SignatureStore> stores_;
  std::vector<std::pair<std::string, std::string>> notes_;
};

template <class Visitor>
void visit(MinhashDedup::Config& c, Visitor& v) {
  v.field(c.preset, {.key = "preset", .doc = "`fineweb`: 14 bands of 8 rows, 5 words, no check; those four keys then stay away"});
  v.field(c.bands, {.key = "bands", .doc = "two documents are compared when they agree in a whole band", .minimum = 1, .maximum = 1000});
  v.field(c.rows, {.key = "rows", .doc = "minima in a band", .minimum = 1, .maximum = 1000});
  v.field(c.shingle_words, {.key = "shingle_words", .doc = "words of a shingle", .minimum = 1, .maximum = 1000});
  v.field(c.jaccard,
          {.key = "jaccard", .doc = "similarity of their shingles that two documents must have; 0: agreeing in a band is enough", .minimum = 0, .maximum = 1});
  v.field(c.splitter, {.key = "splitter", .doc = "what a word of the normalised text is"});
  v.section(c.normalise, {.key = "normalise", .doc = "before splitting"});
  v.field(c.permutation_seed, {.key = "permutation_seed", .doc = "datatrove's default is 1", .minimum = 0, .maximum = 4294967295.0});
  v.field(c.scope, {.key = "scope", .doc = "`source`: documents of different sources are not compared"});
  v.field(c.keep, {.key = "keep", .doc = "who survives: the first in the order of the input, or the one with the highest `score`"});
  v.field(c.score, {.key = "score", .doc = "annotation that `keep: best` compares", .default_text = "none"});
  v.field(c.alarm_cluster, {.key = "alarm_cluster", .doc = "warn of clusters with so many members; 0: never", .minimum = 0});
  v.field(c.largest_cluster, {.key = "largest_cluster", .doc = "members that a cluster may have to be thinned to one; 0: any number", .minimum = 0});
  v.field(c.above_largest, {.key = "above_largest", .doc = "all members of a larger cluster stay, or are dropped as `large_cluster`"});
  v.field(c.write_signatures,
          {.key = "write_signatures", .doc = "directory that receives the signatures of survivors, for later dumps", .default_text = "none"});
  v.field(c.against, {.key = "against", .doc = "directories with the signatures of earlier dumps: what matches them is dropped as `earlier_dump`"});
}

}  // namespace phidias::data::pipeline

namespace phidias::configs {
template <>
inline constexpr std::array<std::string_view, 2> enum_names<data::pipeline::MinhashPreset>{"none", "fineweb"};
}
