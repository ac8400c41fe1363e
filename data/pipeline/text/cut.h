// Stage `cut`: no document is longer than so many characters (code points).
//
// A longer one is cut at the last boundary of the wanted kind before the limit; where that would leave less than half of the limit, at the next finer kind:
//   paragraph   a blank line           sentence   . ! ? … and their like, closing quotation marks, then white space (none needed after 。！？)
//   word        white space            character  the limit itself
// Annotation: <name>.characters (of the whole document, where it was longer). Reason: too_long.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string_view>

#include "configs/field.h"
#include "data/pipeline/stage.h"

namespace phidias::data::pipeline {

enum class CutBoundary { paragraph, sentence, word, character };
enum class TooLong { cut, drop };

// The start of `text` that stays; all of it when it has at most `characters` code points.
std::string_view cut_text(std::string_view text, std::int64_t characters, CutBoundary boundary);

class Cut final : public Stage {
 public:
  struct Config {
    std::int64_t max_characters = 200'000;
    CutBoundary at = CutBoundary::paragraph;
    TooLong too_long = TooLong::cut;
  };
  Cut(const Config& config, const StageSetup& setup) : Stage(setup), config_(config) {}
  std::unique_ptr<StageWorker> worker() const override;

 private:
  Config config_;
};

template <class Visitor>
void visit(Cut::Config& c, Visitor& v) {
  v.field(c.max_characters, {.key = "max_characters", .doc = "longest document in code points", .minimum = 1});
  v.field(c.at, {.key = "at", .doc = "where a longer one is cut; a finer boundary where this one leaves less than half"});
  v.field(c.too_long, {.key = "too_long", .doc = "longer documents"});
}

}  // namespace phidias::data::pipeline

namespace phidias::configs {
template <>
inline constexpr std::array<std::string_view, 4> enum_names<data::pipeline::CutBoundary>{"paragraph", "sentence", "word", "character"};
template <>
inline constexpr std::array<std::string_view, 2> enum_names<data::pipeline::TooLong>{"cut", "drop"};
}  // namespace phidias::configs
