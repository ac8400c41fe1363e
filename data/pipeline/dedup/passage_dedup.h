// Removes lines or paragraphs that stand earlier in the corpus: the first occurrence in the order of the input stays, also within one document.
//
// A passage is known by 64 bits of XXH3 of its text (two different ones among 1e9 share them with probability 0.03 in all), as it stands or in cc_net's
// normalisation. Passages shorter than the bounds never count, nor do those behind the 16,777,215th of a document. What stays of a document is byte for byte
// what stood there. A document whose removed share of bytes is above `drop_above` goes (mostly_duplicate), and one of which nothing stays (empty).
// Bytes: 8 per counted passage collected on disk; 48 per passage of memory in resolve(), over all ranks. resolve_bytes() guesses the number of passages;
// resolve() knows it and refuses with ConfigError what does not fit.
#pragma once

#include <array>
#include <string>
#include <vector>

#include "data/pipeline/dedup/clusters.h"
#include "data/pipeline/dedup/passages.h"
#include "data/pipeline/stage_type.h"

namespace phidias::data::pipeline {

enum class LineNormalisation { none, cc_net };

class PassageDedup : public CollectiveStage {
 public:
  struct Config {
    std::int64_t minimum_characters = 0, minimum_words = 0;
    LineNormalisation normalise = LineNormalisation::none;
    double drop_above = 1.0;
    DedupScope scope = DedupScope::global;
  };
  using Split = void (*)(std::string_view text, std::vector<TextPiece>& passages);
  PassageDedup(const Config& config, const StageSetup& setup, Split split)
      : CollectiveStage(setup), config_(config), split_(split), memory_bytes_(setup.memory_bytes) {}

  std::unique_ptr<StageWorker> worker() const override { return std::make_unique<NoWork>(); }
  std::vector<std::pair<std::string, std::string>> notes() const override { return notes_; }
  void collect(const Document& document, std::string& record) const override;
  std::int64_t resolve_bytes(std::int64_t documents, std::int64_t bytes, int ranks) const override;
  void resolve(const Collected& collected, std::span<RecordList> decisions) override;
  // Annotates <name>.removed (passages) and <name>.removed_share (of bytes).
  void apply(Document& document, std::string_view decision) const override;

 private:
  bool counts(std::string_view passage) const;

  Config config_;
  Split split_;
  std::int64_t memory_bytes_;
  std::vector<std::pair<std::string, std::string>> notes_{{"bytes_per_passage", "8 on disk, 48 of memory in all"}};
};

// One key each, so that one pipeline names what it cuts.
struct LineDedup final : PassageDedup {
  struct Config : PassageDedup::Config {};
  LineDedup(const Config& config, const StageSetup& setup) : PassageDedup(config, setup, line_pieces) {}
};

struct ParagraphDedup final : PassageDedup {
  struct Config : PassageDedup::Config {};
  ParagraphDedup(const Config& config, const StageSetup& setup) : PassageDedup(config, setup, paragraph_pieces) {}
};

template <class Visitor>
void visit(PassageDedup::Config& c, Visitor& v) {
  v.field(c.minimum_characters, {.key = "minimum_characters", .doc = "characters of a passage that is looked at", .minimum = 0});
  v.field(c.minimum_words, {.key = "minimum_words", .doc = "words (between white space) of a passage that is looked at", .minimum = 0});
  v.field(c.normalise,
          {.key = "normalise", .doc = "`cc_net`: compare in lower case, with digits as 0, without typographic punctuation and control characters"});
  v.field(c.drop_above, {.key = "drop_above", .doc = "drop a document of which more than this share of bytes was removed", .minimum = 0, .maximum = 1});
  v.field(c.scope, {.key = "scope", .doc = "`source`: passages of different sources are not compared"});
}

}  // namespace phidias::data::pipeline

namespace phidias::configs {
template <>
inline constexpr std::array<std::string_view, 2> enum_names<data::pipeline::LineNormalisation>{"none", "cc_net"};
}
