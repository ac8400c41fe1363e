// Items of evaluation sets: what must not be in training data.
#pragma once

#include <string>
#include <vector>

namespace phidias::data::pipeline {

struct EvaluationSet {
  std::string path;  // JSON lines
  std::string name;  // empty: the file's name without endings
  std::vector<std::string> fields = {"question"};
  std::vector<std::string> answers;
  std::string id_field = "id";
};

struct EvaluationItem {
  std::string name;                  // "gsm8k/17": set, and id or line
  std::string set;                   // letters, digits, - and _: a part of reasons and annotations
  std::string question;              // texts of `fields`, a space between them
  std::vector<std::string> answers;  // each text of `answers`
  // The question and all answers, a space between them.
  std::string whole() const;
};

// Throws DataError with file and line for a line that is no JSON, and for a field that is missing or no text: an item not read is an item not protected.
std::vector<EvaluationItem> read_evaluation(const std::vector<EvaluationSet>& sets);

template <class Visitor>
void visit(EvaluationSet& s, Visitor& v) {
  v.field(s.path, {.key = "path", .doc = "JSON lines of an evaluation set (`.gz` and `.zst` are read in place)", .required = true});
  v.field(s.name, {.key = "name", .doc = "of the set, in reasons and annotations", .default_text = "the file's name without endings"});
  v.field(s.fields, {.key = "fields", .doc = "members with the question; a dot leads into an object"});
  v.field(s.answers, {.key = "answers", .doc = "members with answers (texts, or lists of them); an item may lack them", .default_text = "[]"});
  v.field(s.id_field, {.key = "id_field", .doc = "member that names an item; where it is missing, the line does"});
}

}  // namespace phidias::data::pipeline
