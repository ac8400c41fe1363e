// Settings of `phidias data import-answers`.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "configs/enum_names.h"
#include "configs/field.h"
#include "configs/run_config.h"

namespace phidias::data {

enum class AnswerForm { chat, completion, text };

// Several answers to one prompt: which of them are believed.
struct VoteSettings {
  bool enabled = false;
  std::string pattern;  // RE2 whose first group is the answer; empty: the last line that is not blank
  std::int64_t minimum_samples = 2;
  double minimum_agreement = 0;
  bool drop_unanimous = true;
};

struct AnswerSettings {
  std::string output, dropped;
  std::vector<std::string> prompts, answers;
  AnswerForm form = AnswerForm::chat;
  configs::OnError on_error = configs::OnError::stop;
  std::string id_field = "id", text_field = "text", finish_field = "finish";
  std::vector<std::string> keep = {"topic", "audience", "style", "seed_id"};
  std::int64_t minimum_characters = 1, maximum_characters = 0, per_prompt = 1;
  bool refusals = true;
  std::vector<std::string> refusal_patterns;
  std::string language, language_field = "language", execution_field;
  double maximum_repetition = 0.3, maximum_echo = 0.6, similarity = 0.8;
  VoteSettings vote;
};

template <class Visitor>
void visit(VoteSettings& s, Visitor& v) {
  v.field(s.enabled, {.key = "enabled", .doc = "compare the answers of each prompt and keep those that give the most frequent result"});
  v.field(s.pattern, {.key = "pattern",
                      .doc = "regular expression (RE2) whose first group is the result; its last match in the answer counts",
                      .default_text = "the last line"});
  v.field(s.minimum_samples, {.key = "minimum_samples", .doc = "prompts with fewer valid answers are dropped", .minimum = 2});
  v.field(s.minimum_agreement, {.key = "minimum_agreement", .doc = "part of the answers that must give the most frequent result", .minimum = 0, .maximum = 1});
  v.field(s.drop_unanimous, {.key = "drop_unanimous", .doc = "drop prompts on which all answers agree: too easy to teach anything"});
}

template <class Visitor>
void visit(AnswerSettings& s, Visitor& v) {
  v.field(s.output, {.key = "output", .doc = "training records to write; `<output>.report.json` beside it counts what was dropped", .required = true});
  v.field(s.dropped, {.key = "dropped", .doc = "file for dropped answers with their reasons", .default_text = "not written"});
  v.field(s.prompts, {.key = "prompts", .doc = "JSON lines (or folders) with `prompt` or `messages`, as make-prompts writes them", .required = true});
  v.field(s.answers, {.key = "answers", .doc = "JSON lines (or folders) of a generator, as `phidias generate --output` writes them", .required = true});
  v.field(s.form, {.key = "form", .doc = "kind of the records; `text`: the answer alone, as a document"});
  v.field(s.on_error, {.key = "on_error", .doc = "a line that is no JSON object stops, or is counted as dropped"});
  v.field(s.id_field, {.key = "id_field", .doc = "member that joins answers with prompts"});
  v.field(s.text_field, {.key = "text_field", .doc = "member with the answer"});
  v.field(s.finish_field, {.key = "finish_field", .doc = "member that is `length` for an answer cut off by the generator's limit"});
  v.field(s.keep, {.key = "keep", .doc = "members of the prompt that the record keeps"});
  v.field(s.minimum_characters, {.key = "minimum_characters", .doc = "of an answer", .minimum = 0});
  v.field(s.maximum_characters, {.key = "maximum_characters", .doc = "of an answer", .minimum = 1, .unset = "null", .default_text = "no limit"});
  v.field(s.per_prompt, {.key = "per_prompt", .doc = "answers of a prompt that are kept, the first ones", .minimum = 1});
  v.field(s.refusals, {.key = "refusals", .doc = "drop answers that begin with a refusal (built-in list in ten languages)"});
  v.field(s.refusal_patterns,
          {.key = "refusal_patterns", .doc = "further regular expressions (RE2), looked for in the first 200 characters", .default_text = "[]"});
  v.field(s.language, {.key = "language",
                       .doc = "of the answer: as its `language_field` says, else as the built-in detector does (texts of 50 letters and more); `prompt`: what "
                              "the prompt's member of "
                              "that name says",
                       .default_text = "any"});
  v.field(s.language_field, {.key = "language_field", .doc = "member with the language, written by a pipeline or the generator"});
  v.field(s.execution_field, {.key = "execution_field", .doc = "member that must be true (`execution.passed`)", .default_text = "not asked for"});
  v.field(s.maximum_repetition, {.key = "maximum_repetition",
                                 .doc = "part of an answer that is one: 8-word runs that have occurred before, or one piece over and over",
                                 .minimum = 0,
                                 .maximum = 1});
  v.field(s.maximum_echo, {.key = "maximum_echo", .doc = "part of an answer's 5-word shingles that are in the prompt", .minimum = 0, .maximum = 1});
  v.field(s.similarity, {.key = "similarity",
                         .doc = "Jaccard similarity of 5-word shingles from which an answer is a duplicate of an earlier one",
                         .minimum = 0,
                         .maximum = 1,
                         .is_above = true});
  v.section(s.vote, {.key = "vote", .doc = "plurality vote"});
}

}  // namespace phidias::data

namespace phidias::configs {
template <>
inline constexpr std::array<std::string_view, 3> enum_names<data::AnswerForm>{"chat", "completion", "text"};
}
