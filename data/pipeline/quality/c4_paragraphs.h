// Stage c4_paragraphs: drops documents with few long lines (mC4; datatrove's C4ParagraphFilter).
#pragma once

#include <cstdint>

#include "data/pipeline/stage.h"

namespace phidias::data::pipeline {

class C4Paragraphs final : public Stage {
 public:
  struct Config {
    std::int64_t min_paragraphs = 3, min_characters = 200;
  };
  C4Paragraphs(const Config& config, const StageSetup& setup) : Stage(setup), config_(config) {}
  std::unique_ptr<StageWorker> worker() const override;

 private:
  Config config_;
};

template <class Visitor>
void visit(C4Paragraphs::Config& c, Visitor& v) {
  v.field(c.min_paragraphs, {.key = "min_paragraphs", .doc = "paragraphs, at least: lines between newlines that are long enough", .minimum = 0});
  v.field(c.min_characters, {.key = "min_characters", .doc = "characters of a line that is a paragraph, at least", .minimum = 0});
}

}  // namespace phidias::data::pipeline
