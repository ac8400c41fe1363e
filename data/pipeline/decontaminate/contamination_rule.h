// The published rules of decontamination as one set of numbers each (design: specs, "Decontamination"); every number can be changed by a key.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <vector>

#include "configs/enum_names.h"
#include "configs/field.h"
#include "data/pipeline/decontaminate/evaluation_set.h"
#include "data/pipeline/decontaminate/pieces.h"

namespace phidias::data::pipeline {

enum class ContaminationRule { gpt3, janitor, curator, datatrove, cosmopedia, questions };
enum class ContaminationAction { automatic, drop, remove_spans, annotate };
// How often an n-gram of an evaluation set may stand in the training data and still count: a phrase that everybody uses says nothing.
enum class CommonCount { documents, occurrences };
// What a document that shares an n-gram with an item must show further.
enum class Likeness { none, matched_part, common_words };

struct DecontaminateConfig {
  std::vector<EvaluationSet> evaluation;
  ContaminationRule rule = ContaminationRule::gpt3;
  ContaminationAction action = ContaminationAction::automatic;
  std::optional<std::int64_t> words, common_limit, window, minimum_piece, maximum_pieces;
  std::optional<double> ratio;
  bool short_items = true;
  std::int64_t minimum_words = 8, minimum_line_words = 4;
  bool query_ngrams = false;
  SplitterKind splitter = SplitterKind::icu;
};

// A rule with all of its numbers.
struct RuleSettings {
  WordForm form = WordForm::plain;
  std::int64_t words = 13;
  std::int64_t common_limit = 0;  // 0: every n-gram counts
  CommonCount common_count = CommonCount::documents;
  Likeness likeness = Likeness::none;
  double ratio = 0;
  ContaminationAction action = ContaminationAction::drop;
  CutRule cut = CutRule::window;
  CutLimits limits;
};

// Throws ConfigError for an action that the rule cannot do.
RuleSettings rule_settings(const DecontaminateConfig& config);

template <class Visitor>
void visit(DecontaminateConfig& c, Visitor& v) {
  v.field(c.evaluation, {.key = "evaluation", .doc = "evaluation sets", .required = true});
  v.field(c.rule, {.key = "rule", .doc = "whose rule and numbers"});
  v.field(c.action, {.key = "action", .doc = "`auto`: cut the places out (gpt3, janitor, curator), else drop; `annotate`: only say what was hit"});
  v.field(c.words, {.key = "words", .doc = "length of the n-grams", .minimum = 1, .default_text = "the rule's"});
  v.field(c.common_limit, {.key = "common_limit",
                           .doc = "n-grams that are in more documents (curator: that occur more often) than this do not count; 0: all count",
                           .minimum = 0,
                           .default_text = "10 (gpt3, curator), 0"});
  v.field(c.window, {.key = "window", .doc = "characters removed on either side of a match", .minimum = 0, .default_text = "200"});
  v.field(c.minimum_piece, {.key = "minimum_piece", .doc = "characters of a piece that stays", .minimum = 0, .default_text = "200"});
  v.field(c.maximum_pieces, {.key = "maximum_pieces", .doc = "a document that falls into more is dropped", .minimum = 1, .default_text = "10"});
  v.field(c.ratio, {.key = "ratio",
                    .doc = "part of an item that the document must share (cosmopedia: above; questions: at least)",
                    .minimum = 0,
                    .maximum = 1,
                    .default_text = "0.5 (cosmopedia), 0.7 (questions)"});
  v.field(c.short_items, {.key = "short_items", .doc = "look for items with fewer words than an n-gram as a whole; `false`: pass them over"});
  v.field(c.minimum_words, {.key = "minimum_words", .doc = "items with fewer words count only where they fill a line of their own", .minimum = 1});
  v.field(c.minimum_line_words, {.key = "minimum_line_words", .doc = "items with fewer words are not looked for", .minimum = 1});
  v.field(c.query_ngrams, {.key = "query_ngrams", .doc = "datatrove: n-grams within the question count too"});
  v.field(c.splitter, {.key = "splitter", .doc = "datatrove: what a word is"});
}

}  // namespace phidias::data::pipeline

namespace phidias::configs {
template <>
inline constexpr std::array<std::string_view, 6> enum_names<data::pipeline::ContaminationRule>{"gpt3",      "janitor",    "curator",
                                                                                               "datatrove", "cosmopedia", "questions"};
template <>
inline constexpr std::array<std::string_view, 4> enum_names<data::pipeline::ContaminationAction>{"auto", "drop", "remove_spans", "annotate"};
}  // namespace phidias::configs
