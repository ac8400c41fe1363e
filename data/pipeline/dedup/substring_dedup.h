// Removes long repeated byte substrings, wherever in the corpus they stand: a suffix array over all texts (repeated_windows.h).
//
// `remove: later` lets the first occurrence in the order of the input stand, `all` removes every one (as the paper that introduced the method, arXiv
// 2107.06499). No match crosses documents. Cuts fall between characters, or between words, by removing less.
// A suffix array wants its text on one rank: with `scope: global` all text goes to rank 0; with `scope: source` each source goes to one rank, the largest
// first to the rank with least. Memory there: 5 1/8 bytes per byte of text (9 1/8 for a text of 2 GiB and more); above the pipeline's bound it is refused.
// The result does not depend on ranks.
#pragma once

#include <array>
#include <string>
#include <vector>

#include "data/pipeline/dedup/clusters.h"
#include "data/pipeline/stage_type.h"

namespace phidias::data::pipeline {

enum class RemovedCopies { later, all };
enum class CutAt { characters, words };

class SubstringDedup final : public CollectiveStage {
 public:
  struct Config {
    std::int64_t minimum_bytes = 100;
    RemovedCopies remove = RemovedCopies::later;
    CutAt cut_at = CutAt::characters;
    double drop_above = 1.0;
    DedupScope scope = DedupScope::global;
  };
  SubstringDedup(const Config& config, const StageSetup& setup) : CollectiveStage(setup), config_(config), memory_bytes_(setup.memory_bytes) {}

  std::unique_ptr<StageWorker> worker() const override { return std::make_unique<NoWork>(); }
  std::vector<std::pair<std::string, std::string>> notes() const override { return notes_; }
  void collect(const Document& document, std::string& record) const override;
  std::int64_t resolve_bytes(std::int64_t documents, std::int64_t bytes, int ranks) const override;
  void resolve(const Collected& collected, std::span<RecordList> decisions) override;
  // Annotates <name>.removed_bytes and <name>.removed_share.
  void apply(Document& document, std::string_view decision) const override;

 private:
  Config config_;
  std::int64_t memory_bytes_;
  std::vector<std::pair<std::string, std::string>> notes_{{"bytes_per_byte_of_text", "1 on disk, 5.125 of memory on one rank (9.125 from 2 GiB)"}};
};

template <class Visitor>
void visit(SubstringDedup::Config& c, Visitor& v) {
  v.field(c.minimum_bytes, {.key = "minimum_bytes", .doc = "bytes of a substring that is a repeat", .minimum = 8});
  v.field(c.remove, {.key = "remove", .doc = "all but the first occurrence, or every one"});
  v.field(c.cut_at, {.key = "cut_at", .doc = "what is not cut apart"});
  v.field(c.drop_above, {.key = "drop_above", .doc = "drop a document of which more than this share of bytes was removed", .minimum = 0, .maximum = 1});
  v.field(c.scope, {.key = "scope", .doc = "`source`: texts of different sources are not compared"});
}

}  // namespace phidias::data::pipeline

namespace phidias::configs {
template <>
inline constexpr std::array<std::string_view, 2> enum_names<data::pipeline::RemovedCopies>{"later", "all"};
template <>
inline constexpr std::array<std::string_view, 2> enum_names<data::pipeline::CutAt>{"characters", "words"};
}  // namespace phidias::configs
