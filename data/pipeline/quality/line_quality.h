// Stage line_quality: removes lines that are menus, counters and buttons (RefinedWeb, Penedo et al. 2023, appendix G.2; DCLM's configuration).
//
// A line (between newlines, not white space alone) goes when more than half of its characters are upper case, all are digits, it is a counter ("3 likes"),
// has too few words, or is short and has one of the phrases; a phrase at its start or end is cut out of it, any other line with one goes. The document goes
// when more than a share of its words went. Otherwise its text becomes what is left.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "data/pipeline/stage.h"

namespace phidias::data::pipeline {

class LineQuality final : public Stage {
 public:
  struct Config {
    double max_uppercase = 0.5, max_digits = 0.999999, max_removed_words = 0.05;
    std::int64_t min_words = 2, phrase_words = 10;
    bool counters = true, edit = true;
    std::vector<std::string> anywhere = {"items in cart"}, at_start = {"sign-in"}, at_end = {"read more..."};
  };
  LineQuality(const Config& config, const StageSetup& setup) : Stage(setup), config_(config) {}
  std::unique_ptr<StageWorker> worker() const override;

 private:
  Config config_;
};

template <class Visitor>
void visit(LineQuality::Config& c, Visitor& v) {
  v.field(c.max_uppercase, {.key = "max_uppercase", .doc = "share of a line's characters that are upper case, at most", .minimum = 0});
  v.field(c.max_digits, {.key = "max_digits", .doc = "share of a line's characters that are digits, at most", .minimum = 0});
  v.field(c.counters, {.key = "counters", .doc = "remove lines like `3 likes`"});
  v.field(c.min_words, {.key = "min_words", .doc = "words of a line, at least", .minimum = 0});
  v.field(c.phrase_words, {.key = "phrase_words", .doc = "words of a line in which phrases are looked for, at most", .minimum = 0});
  v.field(c.anywhere, {.key = "anywhere", .doc = "phrases (any case) with which a line goes"});
  v.field(c.at_start, {.key = "at_start", .doc = "phrases cut off a line's start"});
  v.field(c.at_end, {.key = "at_end", .doc = "phrases cut off a line's end"});
  v.field(c.max_removed_words, {.key = "max_removed_words", .doc = "share of the document's words that may go; more: the document goes", .minimum = 0});
  v.field(c.edit, {.key = "edit", .doc = "`false`: lines are judged and counted, the text stays"});
}

}  // namespace phidias::data::pipeline
