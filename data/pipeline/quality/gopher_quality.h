// Stage gopher_quality: drops documents by their words, symbols, lines and stop words (Rae et al. 2021, arXiv 2112.11446, appendix A.1.1).
//
// Rules, their order and definitions are datatrove's (gopher_quality_filter.py): words made of punctuation alone count among all words, but not for
// number and length; "#" and ellipses are counted in the text, not by word; lines are those of str.splitlines(). The reason is the first rule that is broken,
// statistics of all rules are annotated (0 where nothing can be divided). Switches for other tools' definitions: docs/data/quality.md.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "data/pipeline/stage.h"
#include "data/pipeline/words.h"

namespace phidias::data::pipeline {

enum class WordLength { mean, median };
enum class SymbolCount { occurrences, words };
enum class StopWordCount { distinct, total };

class GopherQuality final : public Stage {
 public:
  struct Config {
    SplitterKind splitter = SplitterKind::icu;
    std::int64_t min_words = 50, max_words = 100000;
    double min_word_length = 3, max_word_length = 10;
    double max_hashes = 0.1, max_ellipses = 0.1;
    double max_bullet_lines = 0.9, max_ellipsis_lines = 0.3;
    double min_alpha_words = 0.8;
    std::int64_t min_stop_words = 2;
    std::vector<std::string> stop_words = {"the", "be", "to", "of", "and", "that", "have", "with"};
    std::vector<std::string> bullets = {"•", "-"};
    WordLength word_length = WordLength::mean;
    SymbolCount symbols = SymbolCount::occurrences;
    StopWordCount stop_word_count = StopWordCount::distinct;
    bool stop_word_case = true;
  };
  GopherQuality(const Config& config, const StageSetup& setup) : Stage(setup), config_(config) {}
  std::unique_ptr<StageWorker> worker() const override;

 private:
  Config config_;
};

template <class Visitor>
void visit(GopherQuality::Config& c, Visitor& v) {
  v.field(c.splitter, {.key = "splitter", .doc = "what a word is"});
  v.field(c.min_words, {.key = "min_words", .doc = "words that are not punctuation alone, at least; 0: no such rule", .minimum = 0});
  v.field(c.max_words, {.key = "max_words", .doc = "the same, at most; 0: no such rule", .minimum = 0});
  v.field(c.min_word_length, {.key = "min_word_length", .doc = "their length in characters, at least; 0: no such rule", .minimum = 0});
  v.field(c.max_word_length, {.key = "max_word_length", .doc = "the same, at most; 0: no such rule", .minimum = 0});
  v.field(c.max_hashes, {.key = "max_hashes", .doc = "`#` per word, at most; 0: no such rule", .minimum = 0});
  v.field(c.max_ellipses, {.key = "max_ellipses", .doc = "`...` and `…` per word, at most; 0: no such rule", .minimum = 0});
  v.field(c.max_bullet_lines, {.key = "max_bullet_lines", .doc = "share of lines that begin with a bullet, at most; 0: no such rule", .minimum = 0});
  v.field(c.max_ellipsis_lines, {.key = "max_ellipsis_lines", .doc = "share of lines that end in an ellipsis, at most; 0: no such rule", .minimum = 0});
  v.field(c.min_alpha_words, {.key = "min_alpha_words", .doc = "share of words with a letter, at least; 0: no such rule", .minimum = 0});
  v.field(c.min_stop_words, {.key = "min_stop_words", .doc = "stop words, at least; 0: no such rule", .minimum = 0});
  v.field(c.stop_words, {.key = "stop_words", .doc = "the stop words"});
  v.field(c.bullets, {.key = "bullets", .doc = "what a line begins with, after white space, to be a list item"});
  v.field(c.word_length, {.key = "word_length", .doc = "`median`: Dolma"});
  v.field(c.symbols, {.key = "symbols", .doc = "`words`: words that contain a `#`, or an ellipsis (Dolma)"});
  v.field(c.stop_word_count, {.key = "stop_word_count", .doc = "`total`: one word twice counts twice (DCLM)"});
  v.field(c.stop_word_case, {.key = "stop_word_case", .doc = "`false`: The is a stop word as the is"});
}

}  // namespace phidias::data::pipeline

namespace phidias::configs {
template <>
inline constexpr std::array<std::string_view, 2> enum_names<data::pipeline::WordLength>{"mean", "median"};
template <>
inline constexpr std::array<std::string_view, 2> enum_names<data::pipeline::SymbolCount>{"occurrences", "words"};
template <>
inline constexpr std::array<std::string_view, 2> enum_names<data::pipeline::StopWordCount>{"distinct", "total"};
}  // namespace phidias::configs
