// Stage c4_quality: removes lines that are no prose and drops documents with little of it (Raffel et al. 2020, C4).
//
// Rules, their order and definitions are datatrove's (c4_filters.py). A line is stripped, then goes if a word is too long; markers of citations are cut out;
// it goes without terminal punctuation (. ? ! " ') or with an ellipsis at its end, with too few words, with "javascript" or with a phrase about policies.
// A document goes at the first line left by then with "lorem ipsum" or a "{", or when too few sentences are left. Otherwise its text becomes the lines that are
// left. Lines after a document's end are not counted: annotated are what was seen until then. The "{" rule deletes code and TeX: for prose only.
#pragma once

#include <cstdint>

#include "data/pipeline/quality/sentences.h"
#include "data/pipeline/stage.h"

namespace phidias::data::pipeline {

enum class TextUnit { line, sentence };

class C4Quality final : public Stage {
 public:
  struct Config {
    TextUnit unit = TextUnit::line;
    SentenceRule sentences = SentenceRule::spaced;
    bool citations = true, terminal_punctuation = true, lorem_ipsum = true, javascript = true, curly_bracket = true, policy = true;
    std::int64_t min_sentences = 5, min_line_words = 3, max_word_length = 1000;
    bool edit = true;
  };
  C4Quality(const Config& config, const StageSetup& setup) : Stage(setup), config_(config) {}
  std::unique_ptr<StageWorker> worker() const override;

 private:
  Config config_;
};

template <class Visitor>
void visit(C4Quality::Config& c, Visitor& v) {
  v.field(c.unit, {.key = "unit", .doc = "what is removed: lines, or sentences (joined by spaces then)"});
  v.field(c.sentences, {.key = "sentences", .doc = "where a sentence ends: before white space, at any terminal mark, or as ICU says"});
  v.field(c.max_word_length, {.key = "max_word_length", .doc = "characters of a line's longest word, at most; -1: no such rule", .minimum = -1});
  v.field(c.citations, {.key = "citations", .doc = "cut [1], [edit] and [citation needed] out of lines"});
  v.field(c.terminal_punctuation, {.key = "terminal_punctuation", .doc = "remove lines without it (FineWeb does not)"});
  v.field(c.min_line_words, {.key = "min_line_words", .doc = "words of a line, at least; -1: no such rule", .minimum = -1});
  v.field(c.lorem_ipsum, {.key = "lorem_ipsum", .doc = "drop documents with these words"});
  v.field(c.javascript, {.key = "javascript", .doc = "remove lines with this word"});
  v.field(c.curly_bracket, {.key = "curly_bracket", .doc = "drop documents with a `{`"});
  v.field(c.policy, {.key = "policy", .doc = "remove lines about terms of use, privacy policies and cookies"});
  v.field(c.min_sentences, {.key = "min_sentences", .doc = "sentences of all lines left, at least; -1: no such rule", .minimum = -1});
  v.field(c.edit, {.key = "edit", .doc = "`false`: lines are judged and counted, the text stays"});
}

}  // namespace phidias::data::pipeline

namespace phidias::configs {
template <>
inline constexpr std::array<std::string_view, 2> enum_names<data::pipeline::TextUnit>{"line", "sentence"};
}
