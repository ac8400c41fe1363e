// Finds evaluation items in documents by one of the rules.
//
//   ContaminationFinder finder(config);                 // reads the evaluation sets; shared by threads
//   ContaminationFinder::Scratch scratch;
//   std::vector<Match> matches = finder.find(text, scratch);
//
// An item with at least n words stands for its n-grams; one with at least minimum_words for itself as a whole; one with at least minimum_line_words for a
// line that it fills; a shorter one is not looked for. Words are those of the rule's form.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "data/pipeline/decontaminate/contamination_rule.h"
#include "data/pipeline/decontaminate/ngram_index.h"

namespace phidias::data::pipeline {

struct Match {
  std::uint32_t gram = 0;  // number among all n-grams and lines of the evaluation sets
  TextRange bytes;         // in the document; empty for rules that do not know places
  std::uint32_t word = 0;  // first word of the match in the document
};

struct EvaluationCounts {
  std::string set;
  std::int64_t items = 0, whole = 0, lines = 0, not_looked_for = 0;
};

class ContaminationFinder {
 public:
  struct Scratch {
    NormalWords words, line;
    WordKeys keys, line_keys;
  };

  // Throws ConfigError and DataError.
  explicit ContaminationFinder(const DecontaminateConfig& config);

  // By position, an n-gram as often as it stands there; without comparing likeness.
  std::vector<Match> find(std::string_view text, Scratch& scratch) const;
  // Items of the matches that the document resembles by the rule's measure, rising; all items of the matches where the rule asks for no likeness. `best`: the
  // highest measure of any of them. `scratch` is as find() left it.
  std::vector<std::uint32_t> items(const std::vector<Match>& matches, const Scratch& scratch, double* best) const;

  // Places of the matches that stand for one of `items` (which rise), by their beginnings.
  std::vector<TextRange> places(const std::vector<Match>& matches, const std::vector<std::uint32_t>& items) const;

  const RuleSettings& settings() const { return settings_; }
  const EvaluationItem& item(std::uint32_t number) const { return items_[number]; }
  std::size_t set_of(std::uint32_t item) const { return sets_[item]; }  // index into counts()
  std::size_t grams() const { return grams_.grams() + lines_.grams(); }
  const std::vector<EvaluationCounts>& counts() const { return counts_; }
  std::int64_t bytes() const { return grams_.bytes() + lines_.bytes(); }

 private:
  void add_text(const std::string& text, std::uint32_t item, EvaluationCounts& counts);
  void add_answers(const EvaluationItem& evaluation, std::uint32_t item, EvaluationCounts& counts);
  void add_words(NormalWords words, std::size_t first, std::uint32_t item, EvaluationCounts& counts);
  void find_lines(std::string_view text, Scratch& scratch, std::vector<Match>& matches) const;
  void find_line(const NormalWords& words, const WordKeys& keys, std::size_t first, std::size_t count, std::vector<Match>& matches) const;
  // Calls visit(item, entry of the index, index) for what a match stands for.
  template <class Visit>
  void for_each_item(const Match& match, Visit&& visit) const;

  RuleSettings settings_;
  bool short_items_, query_ngrams_;
  std::int64_t minimum_words_, minimum_line_words_;
  const WordSplitter& splitter_;
  std::vector<EvaluationItem> items_;
  std::vector<EvaluationCounts> counts_;
  std::vector<std::uint32_t> sets_;  // of items
  // Entries of an index are word lists: one of an item, or one of each of its answers. The owner of an entry is its item.
  NgramIndex grams_, lines_;
  std::vector<std::uint32_t> gram_owners_, line_owners_;
};

}  // namespace phidias::data::pipeline
