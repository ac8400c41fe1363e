// Stage gopher_repetition: drops documents that repeat paragraphs, lines or word n-grams (Rae et al. 2021, arXiv 2112.11446, table A1).
//
// Rules, their order and definitions are datatrove's (gopher_repetition_filter.py): paragraphs are cut at two or more newlines of the stripped text, lines at
// one or more newlines; a duplicate is the second and later occurrence; shares are of elements or of the text's characters (code points); n-grams as
// repeated_ngrams.h says. The reason is the first rule that is broken, statistics of all rules are annotated. Switches for other tools' definitions:
// docs/data/quality.md.
#pragma once

#include <cstdint>
#include <vector>

#include "data/pipeline/quality/repeated_ngrams.h"
#include "data/pipeline/stage.h"
#include "data/pipeline/words.h"

namespace phidias::data::pipeline {

// text: all code points of the text, joining spaces of top n-grams too; words: those of words alone.
enum class CharacterBase { text, words };

class GopherRepetition final : public Stage {
 public:
  struct Config {
    SplitterKind splitter = SplitterKind::icu;
    double max_duplicate_paragraphs = 0.3, max_duplicate_paragraph_characters = 0.2;
    double max_duplicate_lines = 0.3, max_duplicate_line_characters = 0.2;
    std::vector<std::int64_t> top_n = {2, 3, 4};
    std::vector<double> max_top = {0.2, 0.18, 0.16};
    std::vector<std::int64_t> duplicated_n = {5, 6, 7, 8, 9, 10};
    std::vector<double> max_duplicated = {0.15, 0.14, 0.13, 0.12, 0.11, 0.10};
    bool count_first = false;
    NgramCover ngram_cover = NgramCover::skip;
    CharacterBase ngram_characters = CharacterBase::text;
  };
  // Throws ConfigError when the lists of sizes and limits do not fit, or sizes do not rise.
  GopherRepetition(const Config& config, const StageSetup& setup);
  std::unique_ptr<StageWorker> worker() const override;

 private:
  Config config_;
};

template <class Visitor>
void visit(GopherRepetition::Config& c, Visitor& v) {
  v.field(c.splitter, {.key = "splitter", .doc = "what a word is"});
  v.field(c.max_duplicate_paragraphs,
          {.key = "max_duplicate_paragraphs", .doc = "share of paragraphs that stood before, at most; 0: no such rule", .minimum = 0});
  v.field(c.max_duplicate_paragraph_characters,
          {.key = "max_duplicate_paragraph_characters", .doc = "their share of the text's characters, at most; 0: no such rule", .minimum = 0});
  v.field(c.max_duplicate_lines, {.key = "max_duplicate_lines", .doc = "share of lines that stood before, at most; 0: no such rule", .minimum = 0});
  v.field(c.max_duplicate_line_characters,
          {.key = "max_duplicate_line_characters", .doc = "their share of the text's characters, at most; 0: no such rule", .minimum = 0});
  v.field(c.top_n, {.key = "top_n", .doc = "sizes of the n-grams of which the most frequent is looked at, rising", .minimum = 2, .maximum = 64});
  v.field(c.max_top, {.key = "max_top", .doc = "for each of `top_n`: characters of its occurrences, as a share, at most", .minimum = 0});
  v.field(c.duplicated_n, {.key = "duplicated_n", .doc = "sizes of the n-grams of which all repeated ones are looked at, rising", .minimum = 1, .maximum = 64});
  v.field(c.max_duplicated, {.key = "max_duplicated", .doc = "for each of `duplicated_n`: characters in repeated ones, as a share, at most", .minimum = 0});
  v.field(c.count_first, {.key = "count_first", .doc = "the first of equal lines or paragraphs counts as a duplicate as well (Dolma, DCLM)"});
  v.field(c.ngram_cover, {.key = "ngram_cover",
                          .doc = "repeated n-grams: later ones, jumped over from left to right (`skip`), or all words in any of them (`all`: Dolma, DCLM, "
                                 "RedPajama-V2)"});
  v.field(c.ngram_characters,
          {.key = "ngram_characters", .doc = "shares of n-grams are of the text's characters, or of those of its words, without spaces (Dolma, RedPajama-V2)"});
}

}  // namespace phidias::data::pipeline

namespace phidias::configs {
template <>
inline constexpr std::array<std::string_view, 2> enum_names<data::pipeline::NgramCover>{"skip", "all"};
template <>
inline constexpr std::array<std::string_view, 2> enum_names<data::pipeline::CharacterBase>{"text", "words"};
}  // namespace phidias::configs
