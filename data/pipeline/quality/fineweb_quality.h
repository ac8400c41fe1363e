// Stage fineweb_quality: FineWeb's own rules (Penedo et al. 2024, arXiv 2406.17557).
//
// datatrove's definitions (fineweb_quality_filter.py): lines are the parts between newlines that are not white space alone and keep what white space they
// have, so that text with \r\n ends no line in punctuation; a duplicate line is the second and later occurrence. The reason is the first rule that is
// broken, statistics of all rules are annotated. The limit of duplicate line characters is 0.01 as in the code and the paper's appendix, not 0.1.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "data/pipeline/stage.h"
#include "data/pipeline/words.h"

namespace phidias::data::pipeline {

class FinewebQuality final : public Stage {
 public:
  struct Config {
    SplitterKind splitter = SplitterKind::icu;
    double min_punctuated_lines = 0.12;
    bool accept_unpunctuated = false;
    std::vector<std::string> line_ends;  // empty: characters of kind `terminal`
    double max_short_lines = 0.67;
    std::int64_t short_line = 30;
    double max_duplicate_line_characters = 0.01;
    double max_newlines = 0.3;
    bool count_first = false;
  };
  FinewebQuality(const Config& config, const StageSetup& setup) : Stage(setup), config_(config) {}
  std::unique_ptr<StageWorker> worker() const override;

 private:
  Config config_;
};

template <class Visitor>
void visit(FinewebQuality::Config& c, Visitor& v) {
  v.field(c.splitter, {.key = "splitter", .doc = "what a word is"});
  v.field(c.min_punctuated_lines, {.key = "min_punctuated_lines", .doc = "share of lines that end in punctuation, at least", .minimum = 0, .maximum = 1});
  v.field(c.accept_unpunctuated, {.key = "accept_unpunctuated", .doc = "a text without any such line passes that rule"});
  v.field(
      c.line_ends,
      {.key = "line_ends", .doc = "what a line ends in to count as punctuated", .default_text = "the terminal punctuation of all scripts (datatrove's list)"});
  v.field(c.max_short_lines, {.key = "max_short_lines", .doc = "share of short lines, at most", .minimum = 0});
  v.field(c.short_line, {.key = "short_line", .doc = "characters of a short line, at most", .minimum = 0});
  v.field(c.max_duplicate_line_characters,
          {.key = "max_duplicate_line_characters", .doc = "characters in lines that stood before, as a share of all but newlines, at most", .minimum = 0});
  v.field(c.max_newlines, {.key = "max_newlines", .doc = "newlines per word, at most", .minimum = 0});
  v.field(c.count_first, {.key = "count_first", .doc = "the first of equal lines counts as a duplicate as well"});
}

}  // namespace phidias::data::pipeline
