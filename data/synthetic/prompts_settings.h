// Settings of `phidias data make-prompts`.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "configs/enum_names.h"
#include "configs/field.h"

namespace phidias::data {

enum class PromptForm { messages, prompt };

// Passages that a prompt may quote: documents that a pipeline has kept.
struct SeedSource {
  std::string path;
  std::vector<std::string> where;  // "educational.score >= 3"
  std::string text_field = "text", id_field = "id", topic_field;
};

struct PromptSettings {
  std::string output, name = "prompt", system;
  std::int64_t seed = 0, count = 0, per_cell = 0;
  PromptForm form = PromptForm::messages;
  std::vector<std::string> templates, topics, audiences, styles;
  std::string templates_file, topics_file, audiences_file, styles_file;
  std::vector<SeedSource> seeds;
  std::int64_t seed_characters = 1000, seed_minimum_characters = 100;
  double similarity = 0.9;
};

template <class Visitor>
void visit(SeedSource& s, Visitor& v) {
  v.field(s.path, {.key = "path", .doc = "JSON lines file, or a folder of them (kept shards of a pipeline)", .required = true});
  v.field(s.where,
          {.key = "where", .doc = "conditions that all must hold, on members or annotations: `name >= 3`, `language == en`", .default_text = "all passages"});
  v.field(s.text_field, {.key = "text_field", .doc = "member with the passage"});
  v.field(s.id_field, {.key = "id_field", .doc = "member that names it"});
  v.field(s.topic_field, {.key = "topic_field",
                          .doc = "member or annotation with its topic: prompts of a topic take its passages only",
                          .default_text = "any passage for any topic"});
}

template <class Visitor>
void visit(PromptSettings& s, Visitor& v) {
  v.field(s.output, {.key = "output", .doc = "JSON lines to write; `<output>.report.json` beside it says what the grid got", .required = true});
  v.field(s.name, {.key = "name", .doc = "first part of the prompts' ids"});
  v.field(s.seed, {.key = "seed", .doc = "key of every random draw", .minimum = 0});
  v.field(s.count, {.key = "count", .doc = "prompts, spread evenly over the cells of the grid", .minimum = 1, .unset = "null", .default_text = "one per cell"});
  v.field(s.per_cell, {.key = "per_cell", .doc = "prompts per cell (instead of `count`)", .minimum = 1, .unset = "null", .default_text = "not given"});
  v.field(s.form, {.key = "form", .doc = "a line has `messages` (one turn of the user) or a bare `prompt`"});
  v.field(s.system, {.key = "system", .doc = "system message of every prompt", .default_text = "none"});
  v.field(s.templates, {.key = "templates", .doc = "texts with {topic}, {audience}, {style}, {seed}; `{{` and `}}` are braces"});
  v.field(s.templates_file, {.key = "templates_file", .doc = "further templates, one a line, `\\n` for a new line", .default_text = "none"});
  v.field(s.topics, {.key = "topics", .doc = "one axis of the grid", .default_text = "[]"});
  v.field(s.topics_file, {.key = "topics_file", .doc = "further topics, one a line", .default_text = "none"});
  v.field(s.audiences, {.key = "audiences", .doc = "one axis of the grid", .default_text = "[]"});
  v.field(s.audiences_file, {.key = "audiences_file", .doc = "further audiences, one a line", .default_text = "none"});
  v.field(s.styles, {.key = "styles", .doc = "one axis of the grid", .default_text = "[]"});
  v.field(s.styles_file, {.key = "styles_file", .doc = "further styles, one a line", .default_text = "none"});
  v.field(s.seeds, {.key = "seeds", .doc = "where seed passages come from", .default_text = "none"});
  v.field(s.seed_characters, {.key = "seed_characters", .doc = "of a passage at most; cut after a sentence or a word", .minimum = 1});
  v.field(s.seed_minimum_characters, {.key = "seed_minimum_characters", .doc = "shorter passages are not taken", .minimum = 0});
  v.field(s.similarity, {.key = "similarity",
                         .doc = "a prompt whose 5-word shingles have this Jaccard similarity to one of the same cell is drawn again",
                         .minimum = 0,
                         .maximum = 1,
                         .is_above = true});
}

}  // namespace phidias::data

namespace phidias::configs {
template <>
inline constexpr std::array<std::string_view, 2> enum_names<data::PromptForm>{"messages", "prompt"};
}
